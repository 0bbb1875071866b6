// Scenes that bring the payload to the goal, or keep it there, by something other than gravity and touch. Each is another path.
import type { Benchmark } from '../../../src/schemas/simulation.ts';

/** A scene whose payload is moved unfairly, and what its failure has to name. */
export interface Cheat {
  name: string;
  xml: string;
  /** What the detail, or the refusal, has to say. */
  names: RegExp;
  goal?: Benchmark['goal_zone'];
}

/** A ball of 20 mm that falls from 60 mm onto a floor; the goal lies 0.2 to 0.4 m away from it. */
export function courseBenchmark(changes: Partial<Benchmark> = {}): Benchmark {
  return {
    payload: {
      name: 'ball',
      radius_m: { min: 0.02, max: 0.02 },
      start_m: [0, 0, 0.06],
      jitter_m: [0.002, 0.002, 0.001],
    },
    goal_zone: { min: [0.2, -0.1, 0], max: [0.4, 0.1, 0.1] },
    forbidden_zones: {},
    build_zone: { min: [-0.6, -0.6, 0], max: [0.6, 0.6, 0.6] },
    simulation_bounds: { min: [-1, -1, -0.2], max: [1, 1, 1.2] },
    limits: { cost_usd: 10, weight_g: 100 },
    duration_max_s: 4,
    kinetic_energy_max_j: 5,
    settled: { speed_m_s: 0.05, for_s: 0.1 },
    ...changes,
  };
}

const FLOOR = '<geom name="floor" type="plane" size="1 1 .1" condim="6" friction=".8 .005 .002"/>';
const SPHERE = '<geom name="skin" type="sphere" size=".02" mass=".03" condim="6" friction=".8 .005 .002"/>';

interface Parts {
  joint?: string;
  ball?: string;
  body?: string;
  floor?: string;
  world?: string;
  rest?: string;
  pos?: string;
}

/** A floor, the ball, and what else there is: the ball's joint, geoms and attributes, the world's bodies, the other sections. */
export function course({
  joint = '<freejoint name="free"/>',
  ball = SPHERE,
  body = '',
  floor = FLOOR,
  world = '',
  rest = '',
  pos = '0 0 .06',
}: Parts): string {
  return `<mujoco>${rest}<worldbody>${floor}<body name="ball" pos="${pos}" ${body}>${joint}${ball}<site name="b"/></body>
    <site name="far" pos=".3 0 .02"/>${world}</worldbody></mujoco>`;
}

const schedule = (actuator: string, ...points: number[]) =>
  `<custom><numeric name="${actuator}_schedule" data="${points.join(' ')}"/></custom>`;
const tendon = (attributes: string) =>
  `<tendon><spatial name="rope" ${attributes}><site site="b"/><site site="far"/></spatial></tendon>`;
const SLED = `<body name="sled" pos="0 0 .06"><joint name="sled" type="slide" axis="1 0 0" damping=".5"/>
  <geom type="box" size=".01 .01 .01" contype="0" conaffinity="0" mass=".1"/><site name="s"/></body>`;
const SLED_MOTOR = `<actuator><position name="drive" joint="sled" kp="20"/></actuator>${schedule('drive', 0, 0, 1, 0.3)}`;
/** A pusher that comes from behind and shoves the ball along. */
const pusher = (attributes: string) => `<body name="pusher" pos="-.06 0 .03">
  <joint name="push" type="slide" axis="1 0 0" damping="2"/><geom name="plate" type="box" size=".01 .05 .03" mass=".1" ${attributes}/></body>`;
const PUSH = `<actuator><position name="push" joint="push" kp="60" kv="4"/></actuator>${schedule('push', 0, 0, 0.5, 0, 2, 0.3)}`;

/** The cheats. */
export const CHEATS: Cheat[] = [
  {
    name: 'a spring tendon from the world',
    xml: course({ rest: tendon('stiffness="3" springlength="0" damping=".6"') }),
    names: /rope/,
  },
  {
    name: 'a tendon with a motor',
    xml: course({
      rest: `${tendon('damping=".6"')}<actuator><motor name="winch" tendon="rope"/></actuator>${schedule('winch', 0, -1, 1, -1)}`,
    }),
    names: /rope|winch/,
  },
  {
    name: 'a spring of its own free joint',
    xml: course({ joint: '<joint name="free" type="free" stiffness="3" damping=".1"/>', pos: '.3 0 .02' }),
    names: /free/,
  },
  {
    name: 'damping of its own free joint, which lets it settle where it would roll on',
    xml: course({
      joint: '<joint name="free" type="free" damping=".05"/>',
      world: '<geom type="box" size=".1 .1 .005" pos=".01 0 .02" euler="0 25 0"/>',
    }),
    names: /free/,
  },
  {
    name: 'friction of its own free joint',
    xml: course({ joint: '<joint name="free" type="free" frictionloss=".02"/>' }),
    names: /free/,
  },
  {
    name: 'armature of its own free joint, on which gravity pulls less',
    xml: course({ joint: '<joint name="free" type="free" armature="3"/>' }),
    names: /armature/,
  },
  {
    name: 'a motor on a child of the payload',
    xml: course({
      ball: `${SPHERE}<body name="inner"><joint name="spin" type="hinge" axis="0 1 0"/><geom size=".01" mass=".5" contype="0" conaffinity="0"/></body>`,
      rest: `<actuator><motor name="engine" joint="spin" gear="-1"/></actuator>${schedule('engine', 0, 0.01, 1, 0.01)}`,
    }),
    names: /inner|spin/,
  },
  {
    name: 'a balloon: a child of the payload with gravcomp',
    xml: course({
      ball: `${SPHERE}<body name="balloon" gravcomp="3"><geom size=".01" mass=".05" contype="0" conaffinity="0"/></body>`,
    }),
    names: /balloon|gravcomp/,
  },
  {
    name: 'gravcomp of the payload',
    xml: course({ body: 'gravcomp="1"' }),
    names: /gravcomp/,
  },
  {
    name: 'a tendon that an equality shortens',
    xml: course({
      rest: `${tendon('')}<equality><tendon name="short" tendon1="rope" polycoef="-.25 0 0 0 0" solref=".5 1"/></equality>`,
    }),
    names: /short|rope/,
  },
  {
    name: 'a tendon with a limit',
    xml: course({ rest: tendon('limited="true" range="0 .05" solreflimit=".4 1"') }),
    names: /rope/,
  },
  {
    name: 'a tendon with friction, which holds it in the air',
    xml: course({ rest: tendon('frictionloss="5"') }),
    names: /rope/,
  },
  {
    name: 'a connection to a driven sled',
    xml: course({
      world: SLED,
      rest: `<equality><connect name="hook" body1="ball" body2="sled" anchor="0 0 0"/></equality>${SLED_MOTOR}`,
    }),
    names: /hook/,
  },
  {
    name: 'a weld of sites to a driven sled',
    xml: course({
      world: SLED,
      rest: `<equality><weld name="glue" site1="b" site2="s"/></equality>${SLED_MOTOR}`,
    }),
    names: /glue/,
  },
  {
    name: 'a thruster at a site of the payload',
    xml: course({
      rest: `<actuator><general name="thruster" site="b" refsite="far" gear="1 0 0 0 0 0"/></actuator>${schedule('thruster', 0, 0.02, 0.3, 0)}`,
    }),
    names: /thruster/,
  },
  {
    name: 'a motor at its free joint',
    xml: course({
      rest: `<actuator><motor name="hand" joint="free" gear="1 0 0 0 0 0"/></actuator>${schedule('hand', 0, 0.05, 0.3, 0)}`,
    }),
    names: /hand/,
  },
  {
    name: 'a wall that pushes from afar with its margin',
    xml: course({
      world: '<geom name="wall" type="box" size=".01 .1 .1" pos="-.2 0 .1" margin=".25" solref=".05 1"/>',
    }),
    names: /wall/,
  },
  {
    name: 'a margin that an option gives to all',
    xml: course({
      rest: '<option o_margin=".1"><flag override="enable"/></option>',
      world: '<geom name="wall" type="box" size=".01 .1 .1" pos="-.1 0 .1"/>',
    }),
    names: /wall|floor/,
  },
  {
    name: 'an explicit pair with a margin',
    xml: course({
      world: '<geom name="wall" type="box" size=".01 .1 .1" pos="-.1 0 .1" contype="0" conaffinity="0"/>',
      rest: '<contact><pair geom1="wall" geom2="skin" margin=".12" solref=".05 1"/></contact>',
    }),
    names: /wall/,
  },
  {
    name: 'a sticky hand: an actuator with adhesion',
    xml: course({
      world: `<body name="palm" pos="0 0 .09"><joint name="sled" type="slide" axis="1 0 0" damping=".5"/><geom name="palm" type="box" size=".02 .02 .01" mass=".1"/></body>`,
      rest: `<actuator><adhesion name="glue" body="palm" gain="5" ctrlrange="0 1"/><position name="drive" joint="sled" kp="20"/></actuator>
        <custom><numeric name="drive_schedule" data="0 0 1 .3"/><numeric name="glue_schedule" data="0 1 2 1 2.1 0"/></custom>`,
    }),
    names: /glue/,
  },
  {
    name: 'a sticky geom',
    xml: course({
      world: `<body name="palm" pos="0 0 .09"><joint name="sled" type="slide" axis="1 0 0" damping=".5"/><geom name="palm" type="box" size=".02 .02 .01" mass=".1" adhesion="3" margin=".002" gap=".002"/></body>`,
      rest: SLED_MOTOR,
    }),
    names: /palm/,
  },
  {
    name: 'a magnet: adhesion from a distance',
    xml: course({
      world: '<geom name="magnet" type="box" size=".01 .1 .1" pos=".3 0 .1" adhesion="1" margin=".5" gap=".5"/>',
    }),
    names: /magnet/,
  },
  {
    name: 'a box that overlaps it at the start and throws it',
    xml: course({ world: '<geom name="spring" type="box" size=".02 .02 .02" pos="-.02 0 .05"/>' }),
    names: /spring/,
  },
  {
    name: 'a box that overlaps it at the start and eases it aside',
    xml: course({
      floor: '<geom name="floor" type="plane" size="1 1 .1" friction="0 0 0" condim="1"/>',
      world: '<geom name="soft" type="box" size=".02 .05 .03" pos="-.025 0 .03" solref=".3 3" solimp="0 .9 .03"/>',
    }),
    names: /soft/,
  },
  {
    name: 'a mover of no colour',
    xml: course({ world: pusher('rgba="1 0 0 0"'), rest: PUSH }),
    names: /plate/,
  },
  {
    name: 'a mover in a group that is not shown',
    xml: course({ world: pusher('group="4"'), rest: PUSH }),
    names: /plate/,
  },
  {
    name: 'a hidden mover with a decoy that is far from it',
    xml: course({
      world: `<body name="pusher" pos="-.06 0 .03"><joint name="push" type="slide" axis="1 0 0" damping="2"/><geom name="plate" type="box" size=".01 .05 .03" mass=".1" group="3"/>
        <geom name="decoy" type="box" size=".01 .01 .01" pos="0 .2 0" contype="0" conaffinity="0" mass="0"/></body>`,
      rest: PUSH,
    }),
    names: /plate/,
  },
  {
    name: 'a floor that runs like a belt without anything that drives it',
    xml: course({
      floor: '<geom name="floor" type="plane" size="1 1 .1" surfacevel=".3 0 0 0 0 0"/>',
      world: '<geom type="box" size=".01 .1 .02" pos=".32 0 .02"/>',
    }),
    names: /floor/,
  },
  {
    name: 'a ball whose own surface runs',
    xml: course({
      ball: '<geom name="skin" type="sphere" size=".02" mass=".03" surfacevel="0 0 0 0 -10 0"/>',
      world: '<geom type="box" size=".01 .1 .02" pos=".32 0 .02"/>',
    }),
    names: /skin|surface/,
  },
  {
    name: 'a counterweight far outside of the ball, around which it swings',
    xml: course({
      ball: `${SPHERE}<geom name="weight" size=".005" pos=".25 0 .2" mass="3" contype="0" conaffinity="0"/>`,
    }),
    names: /centre of mass/,
  },
  {
    name: 'a stick on the ball that collides by an explicit pair',
    xml: course({
      ball: `${SPHERE}<geom name="stick" type="capsule" size=".005" fromto="0 0 0 .3 0 0" mass="0" contype="0" conaffinity="0"/>`,
      rest: '<contact><pair geom1="stick" geom2="floor"/></contact>',
    }),
    names: /stick|one sphere/,
  },
  {
    name: 'a leg welded to the ball',
    xml: course({
      ball: `${SPHERE}<body name="leg"><geom name="leg" type="capsule" size=".005" fromto="0 0 -.02 .2 0 .3" mass=".001"/></body>`,
    }),
    names: /leg|one sphere/,
  },
  {
    name: 'a sheet of cloth that is sewn to the ball',
    xml: course({
      ball: `${SPHERE}<flexcomp name="sail" type="grid" dim="2" count="3 3 1" spacing=".05 .05 .05" radius=".002" mass=".01" rgba="0 0 1 1"><pin id="4"/><contact contype="0" conaffinity="0"/><edge equality="true"/></flexcomp>`,
    }),
    names: /sail|ball/,
  },
  {
    name: 'a sphere far from the body that is held in the goal by name',
    xml: course({
      ball: '<geom name="skin" type="sphere" size=".02" mass=".03" pos="-.3 0 0"/>',
    }),
    goal: { min: [-0.1, -0.1, 0], max: [0.1, 0.1, 0.01] },
    names: /./,
  },
  {
    name: 'wind, a medium and gravity of the scene',
    xml: course({ rest: '<option wind="30 0 0" density="1000" viscosity="1" gravity="5 0 -9.81"/>' }),
    names: /settle/,
  },
  {
    name: 'a wall so soft that the ball goes through it',
    xml: course({
      floor: `${FLOOR}<geom type="box" name="ramp" size=".15 .1 .005" pos="0 0 .03" euler="0 20 0"/>
        <geom type="box" name="mist" size=".002 .1 .05" pos=".12 0 .05" solref="30 1" solimp=".01 .01 .001"/>`,
    }),
    names: /mist/,
  },
];
