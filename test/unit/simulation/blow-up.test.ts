// What a scene that explodes is told: the cause, found by running it again with one thing changed, and measured.
import { expect, it } from 'vitest';
import { performSimulation } from '../../../src/simulation/perform.ts';
import { course, courseBenchmark } from './cheats.ts';

const box = (name: string, place: string, attributes: string) =>
  `<body name="${name}" pos="${place}"><freejoint/><geom name="${name}" type="box" ${attributes}/></body>`;
const IDLE = 'contype="0" conaffinity="0"';

it.each([
  {
    cause: 'stiff damping that an explicit integrator cannot take',
    xml: course({
      world: `<body pos=".4 .4 .1"><joint name="lid" axis="0 1 0" damping=".01"/><geom type="box" size=".02 .02 .001" pos=".02 0 0" mass=".001" ${IDLE}/></body>`,
      rest: '<option integrator="RK4"/>',
    }),
    says: /By the integrator implicitfast it does not.*RK4.*"lid" takes 37\.5 times its velocity/,
  },
  {
    cause: 'an overlap',
    xml: course({
      world:
        box('a', '.3 .3 .1', 'size=".03 .03 .03" mass=".1" solref="-200000 0"') +
        box('b', '.3 .3 .11', 'size=".03 .03 .03" mass=".5" solref="-200000 0"'),
    }),
    says: /Without contacts it does not\. At the start the geom "a" and the geom "b" overlap by 50 mm/,
  },
  {
    cause: 'a heavy part on a light one',
    xml: course({
      world:
        box('light', '.3 .3 .02', 'size=".02 .02 .02" mass=".0001" solref="-1200000 0"') +
        box('heavy', '.3 .3 .07', 'size=".03 .03 .03" mass="5" solref="-1200000 0"'),
    }),
    says: /With a time step of 0\.0005 s it does not.*"light" and the geom "heavy", which touched, one is 50000 times as heavy/,
  },
  {
    cause: 'a spring',
    xml: course({
      world: `<body pos=".3 .3 .2"><joint type="slide" axis="0 0 1" stiffness="100000" springref=".3"/><geom size=".02" mass=".01" ${IDLE}/></body>`,
    }),
    says: /Without its springs/,
  },
  {
    cause: 'no force that can be left out',
    xml: course({
      world: `<body pos=".3 .3 .2"><joint type="slide" axis="0 0 1"/><geom size=".02" mass="500" ${IDLE}/></body>`,
    }),
    says: /at most 5 J is plausible\.$/,
  },
])('a scene that explodes by $cause is told so', async ({ xml, says }) => {
  const scene = { xml, files: new Map<string, Uint8Array>() };
  const { result } = await performSimulation({ scene, benchmark: courseBenchmark(), seed: 0, render: false });
  expect(result.failure_reason).toBe('PHYSICS_INSTABILITY');
  expect(result.detail).toMatch(says);
});
