// Scenes that bring the payload to the goal honestly: by gravity and by parts that are seen and touch it, however those are driven.
import { course, courseBenchmark } from './cheats.ts';
import type { Benchmark } from '../../../src/schemas/simulation.ts';

/** A scene that must go on succeeding, judged by its own benchmark where that has to allow something. */
export interface Mechanism {
  name: string;
  xml: string;
  benchmark?: Benchmark;
}

const schedule = (...entries: [string, number[]][]) =>
  `<custom>${entries.map(([name, points]) => `<numeric name="${name}_schedule" data="${points.join(' ')}"/>`).join('')}</custom>`;
const STOP = '<geom name="stop" type="box" size=".005 .1 .02" pos=".34 0 .02"/>';
const plate = (joint: string, more = '', attributes = '') => `<body name="pusher" pos="-.06 0 .03">
  <joint name="push" type="slide" axis="1 0 0" ${joint}/><geom name="plate" type="box" size=".01 .05 .02" mass=".1" ${attributes}/>${more}</body>`;
/** A motor, aside, which is coupled to the pusher in different ways. */
const ENGINE = `<body name="engine" pos="-.3 .3 .03"><joint name="engine" type="slide" axis="1 0 0" damping="2"/>
  <geom type="box" size=".02 .02 .02" mass=".1"/><site name="e"/></body>`;
const ENGINE_ACTUATOR = '<actuator><position name="engine" joint="engine" kp="80" kv="4"/></actuator>';
const ENGINE_SCHEDULE = schedule(['engine', [0, 0, 0.6, 0, 2, 0.3]]);
const PUSH_SCHEDULE = schedule(['push', [0, 0, 0.6, 0, 2, 0.3]]);
const RAMP = '<geom name="ramp" type="box" size=".1 .06 .005" pos=".03 0 .02" euler="0 10 0"/>';

/** The mechanisms. */
export const MECHANISMS: Mechanism[] = [
  { name: 'a ramp', xml: course({ world: RAMP + STOP }) },
  {
    name: 'a pusher with a servo',
    xml: course({
      world: plate('damping="2"'),
      rest: `<actuator><position name="push" joint="push" kp="60" kv="4"/></actuator>${PUSH_SCHEDULE}`,
    }),
  },
  {
    name: 'a pusher with a motor',
    xml: course({
      world: plate('damping="2" limited="true" range="0 .3"'),
      rest: `<actuator><motor name="push" joint="push"/></actuator>${schedule(['push', [0, 0, 0.5, 0, 0.6, 0.5]])}`,
    }),
  },
  {
    name: 'a pusher with a spring',
    xml: course({ world: plate('stiffness="3" springref=".3" damping="3"') + STOP }),
  },
  {
    name: 'a pusher whose spring a latch lets go',
    xml: course({
      world: `${plate('stiffness="6" springref=".35" damping="3"')}
        <body name="latch" pos="-.03 .08 .03"><joint name="latch" type="slide" axis="0 0 1" damping="1"/><geom name="latch" type="box" size=".01 .04 .015" mass=".05" friction=".05"/></body>${STOP}`,
      rest: `<actuator><position name="latch" joint="latch" kp="80" kv="2"/></actuator>${schedule(['latch', [0, 0.01, 0.6, 0.01, 1, 0.15]])}`,
    }),
  },
  {
    name: 'gears: an equality between the joints of two parts',
    xml: course({
      world: plate('damping="2"') + ENGINE,
      rest: `<equality><joint joint1="push" joint2="engine"/></equality>${ENGINE_ACTUATOR}${ENGINE_SCHEDULE}`,
    }),
  },
  {
    name: 'a rod: a connection between two parts',
    xml: course({
      world: `${plate('damping="2"')}<body name="engine" pos="-.2 0 .03"><joint name="engine" type="slide" axis="1 0 0" damping="2"/><geom type="box" size=".02 .02 .02" mass=".1" contype="0" conaffinity="0"/></body>`,
      rest: `<equality><connect body1="pusher" body2="engine" anchor="-.1 0 0"/></equality>${ENGINE_ACTUATOR}${ENGINE_SCHEDULE}`,
    }),
  },
  {
    name: 'a weld between two free parts, one of which is pushed',
    xml: course({
      world: `<body name="head" pos="-.06 0 .035"><freejoint/><geom type="box" size=".01 .05 .02" mass=".05" friction=".1"/></body>
        <body name="tail" pos="-.12 0 .035"><freejoint/><geom type="box" size=".01 .05 .02" mass=".05" friction=".1"/></body>
        <body name="engine" pos="-.2 0 .03"><joint name="engine" type="slide" axis="1 0 0" damping="2"/><geom type="box" size=".02 .02 .02" mass=".1"/></body>`,
      rest: `<equality><weld body1="head" body2="tail"/></equality>${ENGINE_ACTUATOR}${schedule(['engine', [0, 0, 0.6, 0, 2, 0.36]])}`,
    }),
  },
  {
    name: 'a tendon with a motor from the world to a part',
    xml: course({
      world: `${plate('damping="2"', '<site name="p"/>')}<site name="pole" pos=".5 0 .03"/>`,
      rest: `<tendon><spatial name="rope"><site site="p"/><site site="pole"/></spatial></tendon>
        <actuator><motor name="winch" tendon="rope"/></actuator>${schedule(['winch', [0, 0, 0.5, 0, 0.6, -0.6, 2.2, -0.6, 2.3, 0]])}`,
    }),
  },
  {
    name: 'a tendon between two parts',
    xml: course({
      world: `${plate('damping="2"', '<site name="p"/>')}${ENGINE.replace('pos="-.3 .3', 'pos=".3 .3')}`,
      rest: `<tendon><spatial name="rope" stiffness="60" springlength="0 .5"><site site="p"/><site site="e"/></spatial></tendon>${ENGINE_ACTUATOR}${schedule(['engine', [0, 0, 0.6, 0, 2, 0.35]])}`,
    }),
  },
  {
    name: 'a fixed tendon that couples two joints with a limit',
    xml: course({
      world: plate('damping="2"') + ENGINE,
      rest: `<tendon><fixed name="belt" limited="true" range="-.002 .002"><joint joint="push" coef="1"/><joint joint="engine" coef="-1"/></fixed></tendon>${ENGINE_ACTUATOR}${ENGINE_SCHEDULE}`,
    }),
  },
  {
    name: 'a tilting plate',
    xml: course({
      world: `<body name="tilt" pos=".03 0 .025"><joint name="tilt" type="hinge" axis="0 1 0" damping=".05"/><geom type="box" size=".1 .06 .005" mass=".1" condim="6" friction=".8 .005 .002"/></body>${STOP}`,
      rest: `<actuator><position name="tilt" joint="tilt" kp="5" kv=".2"/></actuator>${schedule(['tilt', [0, 0, 1, 0, 1.5, 0.15]])}`,
    }),
  },
  {
    name: 'another ball that hits it',
    xml: course({
      world: `<geom type="box" size=".15 .06 .005" pos="-.22 0 .08" euler="0 25 0"/><body name="striker" pos="-.3 0 .16"><freejoint/><geom size=".02" mass=".2"/></body>${STOP}`,
    }),
  },
  {
    name: 'a lift with an arm that gravity does not pull',
    xml: course({
      world: `<body name="lift" gravcomp="1" pos="0 0 .03"><joint name="lift" type="slide" axis="0 0 1" damping="3"/><joint name="lean" type="hinge" axis="0 1 0" damping=".05"/>
        <geom type="box" size=".04 .05 .004" mass=".1"/><geom type="box" size=".003 .05 .02" pos="-.04 0 .02" mass=".02"/></body>
        <geom type="box" size=".1 .06 .005" pos=".15 0 .05" euler="0 12 0"/>${STOP}`,
      rest: `<actuator><position name="lift" joint="lift" kp="200" kv="10"/><position name="lean" joint="lean" kp="5" kv=".2"/></actuator>
        ${schedule(['lift', [0, 0, 0.8, 0, 1.8, 0.08]], ['lean', [0, 0, 1.9, 0, 2.2, 0.5]])}`,
    }),
  },
  {
    name: 'a spring of damped springs: joints with friction, damping and stiffness',
    xml: course({
      world: plate('stiffness="8" springref=".32" damping="4" frictionloss=".1" armature=".01"'),
    }),
  },
  {
    name: 'a sling: cloth between posts that lets the ball roll off',
    xml: course({
      world: `<flexcomp name="sling" type="grid" dim="2" count="6 4 1" spacing=".04 .04 .04" pos=".06 0 .022" euler="0 9 0" radius=".003" mass=".05" rgba=".2 .4 .9 1">
        <pin grid="0 0  1 0  2 0  3 0  4 0  5 0  0 3  1 3  2 3  3 3  4 3  5 3"/><edge equality="true"/><contact selfcollide="none"/></flexcomp>${STOP}`,
    }),
  },
  {
    name: 'a pusher that collides by a hidden hull within what is painted',
    xml: course({
      world: plate(
        'damping="2"',
        '<geom name="look" type="box" size=".011 .052 .022" contype="0" conaffinity="0" mass="0" rgba=".2 .6 .9 1"/>',
        'group="3"',
      ),
      rest: `<actuator><position name="push" joint="push" kp="60" kv="4"/></actuator>${PUSH_SCHEDULE}`,
    }),
  },
  {
    name: 'a pusher with a thin margin, for the solver',
    xml: course({
      world: plate('damping="2"', '', 'margin=".0005"'),
      rest: `<actuator><position name="push" joint="push" kp="60" kv="4"/></actuator>${PUSH_SCHEDULE}`,
    }),
  },
  {
    name: 'a pusher that is hung from a shelf which mocap holds',
    xml: course({
      world: `${plate('damping="2"')}<body name="shelf" mocap="true" pos="0 .2 .1"><geom type="box" size=".05 .05 .01"/></body>`,
      rest: `<actuator><position name="push" joint="push" kp="60" kv="4"/></actuator>${PUSH_SCHEDULE}`,
    }),
  },
  {
    name: 'a hammer that gravity swings',
    xml: course({
      world: `<body name="hammer" pos="-.05 0 .25"><joint type="hinge" axis="0 1 0" damping=".001"/><geom type="capsule" size=".005" fromto="0 0 0 -.2 0 0" mass=".02"/><geom name="head" size=".02" pos="-.21 0 0" mass=".05"/></body>
        <geom type="box" size=".2 .01 .02" pos=".15 .06 .02"/><geom type="box" size=".2 .01 .02" pos=".15 -.06 .02"/>${STOP}`,
    }),
  },
  {
    name: 'wind that the benchmark declares',
    xml: course({ world: STOP }),
    benchmark: courseBenchmark({ fluid: { density_kg_m3: 1.2, viscosity_pa_s: 0.00002, wind_m_s: [7, 0, 0] } }),
  },
  {
    name: 'a sticky hand where the benchmark allows adhesion',
    xml: course({
      world: `<body name="palm" pos="0 0 .11"><joint name="lower" type="slide" axis="0 0 1" damping="2"/><joint name="sled" type="slide" axis="1 0 0" damping="2"/><geom name="palm" type="box" size=".02 .02 .01" mass=".1"/></body>`,
      rest: `<actuator><adhesion name="glue" body="palm" gain="2" ctrlrange="0 1"/><position name="drive" joint="sled" kp="60" kv="5"/><position name="lower" joint="lower" kp="200" kv="10"/></actuator>
        ${schedule(['drive', [0, 0, 1.2, 0, 2.2, 0.3]], ['lower', [0, 0, 0.4, 0, 0.7, -0.061, 0.9, -0.061, 1.2, -0.02]], ['glue', [0, 1, 2.4, 1, 2.5, 0]])}`,
    }),
    benchmark: courseBenchmark({ allowed: ['adhesion'] }),
  },
];
