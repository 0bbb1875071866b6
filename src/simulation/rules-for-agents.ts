import { TIMESTEP_S_MAX, TIMESTEP_S_MIN } from './physics.ts';

/** What those who write scenes are told: the rules that scenes are judged by, and how they are stepped. */
export const RULES_FOR_AGENTS = `The payload is one rigid, balanced sphere with a <freejoint/>. Only gravity, a medium that the benchmark declares, and touch may move it:
no spring, damping, friction, armature, motor, tendon, equality, limit, gravcomp or adhesion may act on it or on a part of its body, however
indirectly; between the mechanism's own parts all of them may. Touch means that surfaces meet (a margin is no touch), that what touches is
painted (alpha above 0, group below 3) or lies within what is, that nothing overlaps the payload at its start, and that contacts are
neither so soft that it sinks in by its radius nor so stiff that they give energy. Surfaces may not run by surfacevel. What breaks
this ends the trial as PAYLOAD_DRIVEN and names the element.
The scene is stepped as its <option timestep="…" integrator="…"/> says, from ${TIMESTEP_S_MIN} to ${TIMESTEP_S_MAX} s, by implicitfast where it names no integrator:
leave the integrator out where joints or servos (kv) are damped, because RK4 and Euler explode on stiff damping. Gravity, medium and what
physics is on are the benchmark's. An actuator is driven over time by <custom><numeric name="NAME_schedule" data="t0 value0 t1 value1 …"/></custom>.`;
