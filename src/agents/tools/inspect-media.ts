import { basename, dirname, extname } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { ToolOutput } from '../../schemas/step.ts';
import { RENDERS } from '../../storage/backends/agent-files.ts';
import { fileTypeOf } from '../../storage/content-type.ts';
import { isWithin, parseAgentPath } from '../../storage/policy.ts';
import { imageSize } from './inspect-media-image.ts';
import { inspectVideo } from './inspect-media-run.ts';
import type { InspectedFrame } from './inspect-media-frames.ts';
import { defineTool, PathArgument, pick } from './tool.ts';
import type { ToolContext } from './tool.ts';

const FRAMES_MAX = 12;

const InspectMedia = z.strictObject({
  path: PathArgument.describe('an image or a video, such as /renders/sim-12/sim.mp4'),
  frames: z.number().int().min(1).max(FRAMES_MAX).default(4).describe('how many evenly spaced frames of a video'),
});

/** The tool that looks at pictures: an image's size; of a video when its frames are shown and what moves between them. */
export const inspectMedia = defineTool({
  name: 'inspect_media',
  description:
    'Looks at an image (its size) or a video: evenly spaced frames with their times and how much of the picture changed between them. The frames are kept as PNGs below /renders.',
  read_only: true,
  input: InspectMedia,
  facts({ agent, result }) {
    // The tool's result is text and names of pictures; a model that sees is shown them with its next thought.
    const media = {
      ...pick(result, 'path', 'mime_type', 'media_kind'),
      attached_to_model: false,
      attached_media_count: 0,
    };
    const stage = agent.endsWith('_reviewer') ? { review_stage: agent } : {};
    return [
      { type: 'inspect_media_tool', payload: media },
      { type: 'media_inspection', payload: { ...media, ...stage } },
    ];
  },
  async run({ path: text, frames }, context) {
    const path = parseAgentPath(text);
    const { kind } = fileTypeOf(path);
    if (kind !== 'IMAGE' && kind !== 'VIDEO')
      throw new AppError('invalid_argument', `${path} is neither an image nor a video by its name`);
    const bytes = await context.files.readBytes(path);
    context.usedFile(path);
    try {
      return kind === 'IMAGE' ? inspectImage(path, bytes) : await lookAtVideo({ path, bytes, count: frames }, context);
    } catch (thrown) {
      const { code, message, details } = AppError.from(thrown);
      throw new AppError(code, `${path}: ${message}`, { cause: thrown, details });
    }
  },
});

/** What was looked at, in the words of the event `media_inspection`. */
const mediaOf = (path: string, mime_type: string, media_kind: 'image' | 'video') => ({ path, mime_type, media_kind });

function inspectImage(path: string, bytes: Uint8Array): ToolOutput {
  const { width, height, mime_type } = imageSize(bytes);
  return {
    content: `${path}: ${mime_type}, ${width} × ${height} pixels, ${bytes.length} bytes`,
    result: { ...mediaOf(path, mime_type, 'image'), width, height, size_bytes: bytes.length },
  };
}

async function lookAtVideo(
  { path, bytes, count }: { path: string; bytes: Uint8Array; count: number },
  { render, signal, step, log }: ToolContext,
): Promise<ToolOutput> {
  const { width, height, duration_s, fps, codec, frames } = await inspectVideo({ bytes, count }, signal);
  log.write('system', `decoded ${frames.length} frames of ${path}`);
  const isRender = isWithin(RENDERS, path);
  const folder = isRender ? `${dirname(path)}/frames` : `${RENDERS}/inspect-${step.seq}/frames`;
  const kept = [];
  for (const { png, ...frame } of frames) {
    const framePath = `${folder}/${basename(path, extname(path))}-t${frame.time_s.toFixed(2)}.png`;
    // What simulations film begins at simulated time 0; of other videos no clock is known.
    const clock = { kind: 'sim' as const, t0: frame.time_s, fps, frames: 1 };
    const { sha256, uri } = await render(framePath, png, isRender ? { clock } : {});
    kept.push({ ...frame, path: framePath, sha256, uri });
  }
  const heading = `${path}: ${codec}, ${width} × ${height} pixels, ${duration_s.toFixed(2)} s at ${fps.toFixed(1)} frames/s`;
  return {
    content: [heading, ...kept.map((frame) => `${frame.path} · ${lineOf(frame)}`)].join('\n'),
    result: {
      ...mediaOf(path, fileTypeOf(path).content_type, 'video'),
      width,
      height,
      duration_s,
      fps,
      codec,
      frames: kept,
    },
  };
}

function lineOf({ time_s, changed, changed_box }: Omit<InspectedFrame, 'png'>): string {
  const at = `t = ${time_s.toFixed(2)} s`;
  if (changed === null) return at;
  if (changed_box === null) return `${at} · nothing moved`;
  const { x, y } = changed_box;
  return `${at} · ${(changed * 100).toFixed(2)} % moved, within x ${x.join('–')}, y ${y.join('–')}`;
}
