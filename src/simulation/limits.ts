/** Bounds on what an agent's scene may ask of this machine. Exceeding one is an error that names it, never a truncation. */
export const SCENE_LIMITS = {
  /** Bytes of MJCF text: a hand-written or scripted mechanism takes a hundredth of it. */
  XML_BYTES_MAX: 4 * 1024 * 1024,
  /** Files that the MJCF names (meshes, textures, height fields, includes), and their bytes together. */
  FILES_MAX: 256,
  FILES_BYTES_MAX: 32 * 1024 * 1024,
  /** Compiled sizes. A step's cost grows faster than linearly with each. */
  BODIES_MAX: 500,
  GEOMS_MAX: 2_000,
  DOFS_MAX: 300,
  ACTUATORS_MAX: 64,
  /** Triangles drawn: painting a frame must stay in the tens of milliseconds. */
  TRIANGLES_MAX: 200_000,
  /** MuJoCo's arena for contacts and constraints, in bytes, as `<size memory>` may ask for it. */
  ARENA_BYTES_MAX: 128 * 1024 * 1024,
  /** Simultaneous contacts: beyond it parts overlap, and each step costs a tenth of a second and more. */
  CONTACTS_MAX: 1_000,
} as const;

/** Bounds on the process that simulates. */
export const PROCESS_LIMITS = {
  /** JavaScript heap in MiB, and WebAssembly memory in pages of 64 KiB (512 MiB). */
  HEAP_MB_MAX: 768,
  WASM_PAGES_MAX: 8_192,
  /** Wall-clock milliseconds for one simulation with its jittered scenes and pictures. 30 simulated seconds take about 30 s in all. */
  WALL_CLOCK_MS_MAX: 240_000,
  /** The last characters of the process's stderr that an error message may quote. */
  STDERR_CHARS_MAX: 2_000,
} as const;

/** Wall-clock milliseconds between two progress reports, and between two looks at the event loop. */
export const PROGRESS_INTERVAL_MS = 100;
