import { z } from 'zod';

/** What is pictured of a simulation: the video's size (pixels, even) and rate, seconds after the outcome, and angles of stills. */
export const RenderOptions = z.strictObject({
  width: z.number().int().min(64).max(1920).multipleOf(2).default(640),
  height: z.number().int().min(64).max(1080).multipleOf(2).default(480),
  fps: z.number().int().min(1).max(60).default(30),
  tail_s: z.number().min(0).max(5).default(0.8),
  video: z.boolean().default(true),
  stills: z
    .array(
      z.strictObject({ elevation_deg: z.number().int().min(0).max(90), azimuth_deg: z.number().int().min(0).max(359) }),
    )
    .max(12)
    .default([
      { elevation_deg: 15, azimuth_deg: 45 },
      { elevation_deg: 30, azimuth_deg: 135 },
      { elevation_deg: 20, azimuth_deg: 315 },
      { elevation_deg: 90, azimuth_deg: 270 },
    ]),
});
export type RenderOptions = z.infer<typeof RenderOptions>;
