// The scenes that stand ready for a coder who may run no command are those that the script writes, file by file and in motion.
import { expect, test } from 'vitest';
import { parseAssembly } from '../../../src/agents/tools/costing-assembly.ts';
import {
  FUNNEL_WIDTHS_MM,
  handWrittenScene,
  solutionScript,
  transferFile,
  widthLine,
} from '../../../src/agents/scripts/transfer-files.ts';
import { performSimulation } from '../../../src/simulation/perform.ts';
import { transferBenchmark } from '../simulation/scenes.ts';
import { runSolutionScript, withMeshInline } from './solution-script.ts';

test.each(FUNNEL_WIDTHS_MM)('the hand-written scene of %i mm is what the script writes, its mesh inline', (width) => {
  expect(handWrittenScene(width)).toBe(withMeshInline(runSolutionScript(width)));
});

test('a hand-written scene moves exactly as the one of the script', async () => {
  const { xml, stl } = runSolutionScript(88);
  const benchmark = transferBenchmark();
  const outcomes = [
    { xml, files: new Map([['funnel.stl', new Uint8Array(stl)]]) },
    { xml: handWrittenScene(88), files: new Map<string, Uint8Array>() },
  ].map(async (scene) => (await performSimulation({ scene, benchmark, seed: 0, render: false })).result);
  const [byScript, byHand] = await Promise.all(outcomes);
  expect(byHand).toEqual(byScript);
  expect(byHand?.failure_reason).toBe('FORBID_ZONE_HIT');
});

test.each([0, 11, 10])('with 104 mm and seed %i the simulation succeeds without being robust', async (seed) => {
  const scene = { xml: handWrittenScene(104), files: new Map<string, Uint8Array>() };
  const { result } = await performSimulation({ scene, benchmark: transferBenchmark(), seed, render: false });
  expect(result).toMatchObject({ success: true, robustness: 0.6 });
});

test('the script is written with the width that is asked for, once', () => {
  expect(solutionScript(140).split(widthLine(140))).toHaveLength(2);
  expect(solutionScript(140)).not.toContain(widthLine(88));
});

test('the plan says of each part what the assembly definition says', () => {
  const plan = transferFile('engineering_plan.md');
  const { parts, actuators, total_cost_usd, total_weight_g } = parseAssembly(transferFile('assembly_definition.yaml'));
  for (const { name, size, material, fill, cost_usd } of parts)
    expect(plan).toMatch(
      new RegExp(
        `\\| ${name} \\| ${size.join(' × ')} \\| ${material} \\| ${fill.toFixed(2)} \\| \\d+ \\| ${cost_usd.toFixed(2)} \\|`,
      ),
    );
  for (const { name } of actuators) expect(plan).toContain(`| ${name} |`);
  expect(plan).toContain(`Total: ${total_weight_g} of 1600 g, ${total_cost_usd?.toFixed(2)} of 85.00 USD`);
});
