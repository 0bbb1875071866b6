import { createHash } from 'node:crypto';
import { AppError } from '../errors.ts';

/** States at the video's frame times: `nq` positions and `nv` velocities each, as float64 rows of [time, qpos…, qvel…]. */
export interface Trajectory {
  nq: number;
  nv: number;
  fps: number;
  /** SHA-256 in hexadecimal over qpos and qvel (little-endian float64) of every step up to the outcome, not only of these frames. */
  sha256: string;
  frames: Float64Array[];
}

/** The file's first bytes: eight characters, then nq, nv, frames and fps as uint32, the 32 bytes of the hash, then the rows. */
const MAGIC = 'OBSTRAJ1';
const HEADER_BYTES = 8 + 16 + 32;
/** Steps whose states are hashed with one call: a call costs more than a state's bytes. */
const STEPS_PER_UPDATE = 64;

/**
 * Hashes the state of every step. `add` copies the views it is given; what is not a number in a state that is not finite is hashed
 * as one NaN, because which of its many bit patterns comes out differs between processors.
 */
export function createTrajectoryHash(
  nq: number,
  nv: number,
): { add(qpos: Float64Array, qvel: Float64Array, finite: boolean): void; digest(): string } {
  const hash = createHash('sha256');
  const row = nq + nv;
  const pending = new Float64Array(row * STEPS_PER_UPDATE);
  const bytes = new Uint8Array(pending.buffer);
  let used = 0;
  const flush = () => {
    hash.update(bytes.subarray(0, used * 8));
    used = 0;
  };
  return {
    add(qpos, qvel, finite) {
      pending.set(qpos, used);
      pending.set(qvel, used + nq);
      if (!finite)
        for (let index = used; index < used + row; index++) if (Number.isNaN(pending[index])) pending[index] = NaN;
      used += row;
      if (used === pending.length) flush();
    },
    digest() {
      flush();
      return hash.digest('hex');
    },
  };
}

/** The trajectory as a compact file, little-endian. */
export function encodeTrajectory({ nq, nv, fps, sha256, frames }: Trajectory): Uint8Array {
  const row = 1 + nq + nv;
  const file = Buffer.alloc(HEADER_BYTES + 8 * row * frames.length);
  file.write(MAGIC, 'latin1');
  [nq, nv, frames.length, fps].forEach((value, index) => file.writeUInt32LE(value, 8 + 4 * index));
  file.write(sha256, 24, 'hex');
  frames.forEach((frame, index) =>
    frame.forEach((value, column) => file.writeDoubleLE(value, HEADER_BYTES + 8 * (row * index + column))),
  );
  return file;
}

/** Reads what `encodeTrajectory` wrote; throws `data_loss` when the bytes are not such a file, whole. */
export function decodeTrajectory(bytes: Uint8Array): Trajectory {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < HEADER_BYTES || file.toString('latin1', 0, 8) !== MAGIC)
    throw new AppError('data_loss', 'not a trajectory file');
  const [nq, nv, count, fps] = [8, 12, 16, 20].map((offset) => file.readUInt32LE(offset)) as [
    number,
    number,
    number,
    number,
  ];
  const row = 1 + nq + nv;
  if (file.length !== HEADER_BYTES + 8 * row * count) throw new AppError('data_loss', 'a trajectory file is cut short');
  const frames = Array.from({ length: count }, (_, index) =>
    Float64Array.from({ length: row }, (_cell, column) => file.readDoubleLE(HEADER_BYTES + 8 * (row * index + column))),
  );
  return { nq, nv, fps, sha256: file.toString('hex', 24, 56), frames };
}
