// A simulation in its own process: what it hands over, that it is the same twice, and that neither its end nor its crash hurts the caller.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeTrajectory } from '../../../src/simulation/trajectory.ts';
import { runSimulation } from '../../../src/simulation/run-simulation.ts';
import { SimulationResult } from '../../../src/schemas/simulation.ts';
import { dropBenchmark, dropScene, transferBenchmark, transferScene } from './scenes.ts';
import { decodeVideo } from './decode-video.ts';
import type { SimulationOutcome } from '../../../src/simulation/perform.ts';

const code = (error: unknown) => (error as { code?: string }).code;

/** The process ids of this process's children (Linux). */
const children = () =>
  readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

function fileOf({ files }: SimulationOutcome, path: string): Uint8Array {
  const file = files.find((one) => one.path === path);
  if (file === undefined) throw new Error(`${path} is not among ${files.map((one) => one.path).join(', ')}`);
  return file.bytes;
}

describe('a filmed simulation', () => {
  const loop = monitorEventLoopDelay({ resolution: 10 });
  let outcome: SimulationOutcome;
  let again: SimulationOutcome;
  const progress: { sim_t: number; frame: number; of: number }[] = [];
  beforeAll(async () => {
    const options = { scene: transferScene(88), benchmark: transferBenchmark(), seed: 3 };
    loop.enable();
    outcome = await runSimulation({ ...options, onProgress: (one) => progress.push(one) });
    loop.disable();
    again = await runSimulation(options);
  }, 30_000);
  afterAll(() => loop.disable());

  it('gives byte for byte the same files twice', () => {
    const hashes = ({ files }: SimulationOutcome) =>
      Object.fromEntries(files.map(({ path, bytes }) => [path, createHash('sha256').update(bytes).digest('hex')]));
    expect(hashes(again)).toEqual(hashes(outcome));
    expect(again.result).toEqual(outcome.result);
    expect(
      SimulationResult.parse(JSON.parse(Buffer.from(fileOf(outcome, 'simulation_result.json')).toString())),
    ).toEqual(outcome.result);
  });

  it('leaves the event loop of its caller free', () => {
    expect(loop.max / 1e6).toBeLessThan(300);
  });

  it('reports its progress', () => {
    expect(progress.length).toBeGreaterThan(0);
    for (const { frame, of } of progress) expect(frame).toBeLessThanOrEqual(of);
  });

  it('hands over a video, pictures from set angles, the scene, and one STL a part', () => {
    expect(outcome.files.map(({ path, content_type }) => `${path} ${content_type}`)).toEqual([
      'simulation_result.json application/json',
      'trajectory.bin application/octet-stream',
      'sim.mp4 video/mp4',
      ...['poster', 'e15_a45', 'e30_a135', 'e20_a315', 'e90_a270'].map((name) => `${name}.png image/png`),
      'scene.glb model/gltf-binary',
      ...[
        'base_plate',
        'entry_funnel',
        'roller_bed',
        'idler_guide',
        'goal_tray',
        'ServoMotor_DS3218',
        'servo_paddle',
        'projectile_ball',
      ].map((part) => `${part}.stl model/stl`),
    ]);
    const png = Buffer.from(fileOf(outcome, 'poster.png'));
    expect([png.toString('latin1', 1, 4), png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual(['PNG', 640, 480]);
  });

  it('has a video that starts fast, plays at its clock, and shows the ball fall', async () => {
    const video = await decodeVideo(fileOf(outcome, 'sim.mp4'));
    expect(video.boxes.indexOf('moov')).toBeLessThan(video.boxes.indexOf('mdat'));
    expect(video.codec).toMatch(/^avc1/);
    expect([video.width, video.height]).toEqual([640, 480]);
    expect(video.frames.length).toBe(outcome.result.video?.frames);
    expect(video.duration_s).toBeCloseTo(video.frames.length / 30, 2);
    const [first, last] = [yellowCentre(video.frames[0]), yellowCentre(video.frames.at(-1))];
    expect(last.row - first.row).toBeGreaterThan(20);
  });

  it('keeps the states of the frames, and the hash of all steps', () => {
    const trajectory = decodeTrajectory(fileOf(outcome, 'trajectory.bin'));
    expect(trajectory.sha256).toBe(outcome.result.trajectory_sha256);
    expect(trajectory.frames.length).toBe(outcome.result.video?.frames);
    trajectory.frames.forEach((frame, index) => expect(Math.abs((frame[0] ?? NaN) - index / 30)).toBeLessThan(0.0021));
    // The paddle's hinge comes first; then the ball's position.
    expect([...(trajectory.frames[0] ?? [])].slice(2, 5).map((metres) => Math.round(metres * 1e6) / 1e3)).toEqual(
      outcome.result.spawn_mm,
    );
  });

  it('is not read from a trajectory file that is cut short', () => {
    const bytes = fileOf(outcome, 'trajectory.bin');
    for (const end of [0, 20, bytes.length - 1])
      expect(() => decodeTrajectory(bytes.subarray(0, end))).toThrow(expect.objectContaining({ code: 'data_loss' }));
  });

  it('has a GLB with the parts by name and a size that adds up', () => {
    const glb = Buffer.from(fileOf(outcome, 'scene.glb'));
    expect([glb.toString('latin1', 0, 4), glb.readUInt32LE(4), glb.readUInt32LE(8)]).toEqual(['glTF', 2, glb.length]);
    const scene = JSON.parse(glb.toString('utf8', 20, 20 + glb.readUInt32LE(12)));
    const names = scene.nodes.map(({ name }: { name: string }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'base_plate',
        'servo_paddle',
        'projectile_ball',
        'zone_goal',
        'zone_forbid_cable_corridor',
      ]),
    );
    const binary = glb.length - 20 - glb.readUInt32LE(12) - 8;
    expect(scene.buffers[0].byteLength).toBe(binary);
    for (const { byteOffset, byteLength } of scene.bufferViews)
      expect(byteOffset + byteLength).toBeLessThanOrEqual(binary);
    expect(
      scene.animations[0].channels.map(({ target }: { target: { node: number } }) => names[target.node]),
    ).toContain('projectile_ball');
  });

  it('has STLs in millimetres', () => {
    const stl = Buffer.from(fileOf(outcome, 'base_plate.stl'));
    expect(stl.length).toBe(84 + 50 * stl.readUInt32LE(80));
    const xs = Array.from({ length: stl.readUInt32LE(80) }, (_, face) => stl.readFloatLE(84 + 50 * face + 12));
    expect(Math.max(...xs) - Math.min(...xs)).toBeCloseTo(980, 3);
  });
});

describe('the process of a simulation', () => {
  // Thirty simulated seconds of a ball that lies beside the goal.
  const endless = {
    scene: dropScene(),
    benchmark: dropBenchmark({ duration_max_s: 30, goal_zone: { min: [0.2, 0.2, 0], max: [0.25, 0.25, 0.05] } }),
    seed: 0,
  };

  it.each([
    ['simulates', ({ sim_t }: { sim_t: number }) => sim_t > 0],
    ['encodes', ({ frame }: { frame: number }) => frame > 10],
  ])('is gone within a second of an abort while it %s', async (_what, isTime) => {
    const before = children();
    const controller = new AbortController();
    let abortedAt = Infinity;
    const benchmark = { ...endless.benchmark, duration_max_s: 5 };
    const running = runSimulation({
      ...endless,
      benchmark,
      signal: controller.signal,
      onProgress(progress) {
        if (!isTime(progress) || controller.signal.aborted) return;
        abortedAt = performance.now();
        controller.abort();
      },
    });
    expect(await running.catch(code)).toBe('cancelled');
    expect(performance.now() - abortedAt).toBeLessThan(1000);
    await expect.poll(children).toEqual(before);
  });

  it('does not start for a signal that is already aborted', async () => {
    const before = children();
    expect(await runSimulation({ ...endless, signal: AbortSignal.abort() }).catch(code)).toBe('cancelled');
    expect(children()).toEqual(before);
  });

  it('is given up at the wall clock limit, with a reason that names it', async () => {
    const error = await runSimulation({ ...endless, wallClockMsMax: 700 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'resource_exhausted', message: expect.stringMatching(/^TIMEOUT.*0\.7 s/) });
  });

  it('may be killed: the caller gets an error and lives', async () => {
    const before = new Set(children());
    const running = runSimulation({
      ...endless,
      onProgress: () =>
        children()
          .filter((pid) => !before.has(pid))
          .forEach((pid) => process.kill(pid, 'SIGKILL')),
    });
    expect(await running.catch((thrown: unknown) => thrown)).toMatchObject({
      code: 'internal',
      message: expect.stringContaining('SIGKILL'),
    });
  });

  it('ends when the one who started it is killed', async () => {
    const script = `
      import { readFileSync } from 'node:fs';
      import { runSimulation } from ${JSON.stringify(new URL('../../../src/simulation/run-simulation.ts', import.meta.url).href)};
      const { xml, benchmark } = JSON.parse(process.argv[1]);
      const onProgress = () => process.stdout.write(readFileSync('/proc/self/task/' + process.pid + '/children'));
      await runSimulation({ scene: { xml, files: new Map() }, benchmark, seed: 0, onProgress });`;
    const input = JSON.stringify({ xml: endless.scene.xml, benchmark: endless.benchmark });
    const starter = spawn(process.execPath, ['--input-type=module', '-e', script, input], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [text] = (await once(starter.stdout, 'data')) as [Buffer];
    const simulation = Number(text.toString().split(' ')[0]);
    expect(isAlive(simulation)).toBe(true);
    starter.kill('SIGKILL');
    await expect.poll(() => isAlive(simulation), { timeout: 3000 }).toBe(false);
  });

  it('lets what its caller throws over progress reach the caller', async () => {
    const onProgress = () => {
      throw new RangeError('enough');
    };
    await expect(runSimulation({ ...endless, onProgress })).rejects.toThrow('enough');
  });

  it('cannot be made to take more memory than it has', async () => {
    const rest = '<asset><hfield name="h" nrow="9000" ncol="9000" size="1 1 1 1"/></asset>';
    const scene = dropScene({ rest, world: '<geom type="hfield" hfield="h"/>' });
    const error = await runSimulation({ ...endless, scene }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(/memory/) });
  });

  it('carries a refusal to the caller', async () => {
    const scene = { xml: '<mujoco/>', files: new Map() };
    expect(await runSimulation({ ...endless, scene }).catch(code)).toBe('invalid_argument');
  });
});

function isAlive(pid: number): boolean {
  try {
    // A zombie that nobody has reaped yet is dead, too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The middle row of the ball's colour in a picture. */
function yellowCentre(pixels: Uint8Array = new Uint8Array()): { row: number } {
  let [sum, count] = [0, 0];
  for (let at = 0; at < pixels.length; at += 4) {
    const [red, green, blue] = [pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0];
    if (red < 180 || green < 130 || blue > 90 || red - green > 80) continue;
    sum += Math.floor(at / 4 / 640);
    count += 1;
  }
  expect(count).toBeGreaterThan(200);
  return { row: sum / count };
}
