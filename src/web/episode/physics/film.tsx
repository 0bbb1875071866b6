import { useEffect, useRef } from 'react';
import type { ArtifactFile } from '../../resources.ts';
import { useContentUrl } from '../details/picture.tsx';
import { ASK } from '../keys.ts';
import type { SimulationClock } from './clock.ts';

type Props = Readonly<{
  file: ArtifactFile;
  poster: ArtifactFile | undefined;
  clock: SimulationClock;
  /** Another video keeps the clock: this one goes along. */
  follows?: boolean;
}>;

/** The video of a simulation. It keeps the clock while it plays, and goes where the clock is sent. */
export function Film({ file, poster, clock, follows = false }: Props) {
  const url = useContentUrl(file);
  const still = useContentUrl(poster ?? file);
  if (url === undefined) return <p className="waiting-line">Reading…</p>;
  const shown = { file, clock, url, still: poster === undefined ? undefined : still };
  return follows ? <Follower {...shown} /> : <Screen {...shown} />;
}

/** Beyond this the two are seen to be apart, in seconds. */
const APART_S = 0.12;

/** A video that shows what the clock says, and stands at its end where the clock goes further. */
function Follower({ file, clock, url, still }: ScreenProps) {
  const video = useRef<HTMLVideoElement>(null);
  const t0 = file.clock?.t0 ?? 0;
  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    const follow = () => {
      const { t, playing } = clock.now();
      const at = Math.min(Math.max(0, t - t0), element.duration || 0);
      const goes = playing && at < (element.duration || 0);
      if (Math.abs(element.currentTime - at) > (goes ? APART_S : 1e-3)) element.currentTime = at;
      // Refused only where the browser plays nothing by itself: then it is moved from picture to picture.
      if (goes && element.paused) element.play().catch(() => undefined);
      if (!goes) element.pause();
    };
    follow();
    element.addEventListener('loadedmetadata', follow);
    const leave = clock.subscribe(follow);
    return () => {
      leave();
      element.removeEventListener('loadedmetadata', follow);
    };
  }, [clock, t0]);
  return (
    <video
      ref={video}
      src={url}
      {...(still !== undefined && { poster: still })}
      muted
      playsInline
      preload="auto"
      aria-label="Video of the other simulation"
    />
  );
}

type ScreenProps = Readonly<{ file: ArtifactFile; clock: SimulationClock; url: string; still: string | undefined }>;

function Screen({ file, clock, url, still }: ScreenProps) {
  const video = useRef<HTMLVideoElement>(null);
  const t0 = file.clock?.t0 ?? 0;
  const frame_s = 1 / (file.clock?.fps ?? 30);
  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    const goTo = (t: number) => {
      element.currentTime = Math.max(0, t - t0);
    };
    goTo(clock.now().t);
    const left = [clock.onSeek(goTo)];
    let drawn = 0;
    const tick = () => {
      clock.tell(t0 + element.currentTime, !element.paused);
      drawn = requestAnimationFrame(tick);
    };
    const onPlay = () => {
      drawn = requestAnimationFrame(tick);
    };
    const onPause = () => {
      cancelAnimationFrame(drawn);
      clock.tell(t0 + element.currentTime, false);
    };
    const onSeeked = () => clock.tell(t0 + element.currentTime, !element.paused);
    const toggle = () => void (element.paused ? element.play() : element.pause());
    const step = (by: number) => () => {
      element.pause();
      clock.seek(t0 + element.currentTime + by);
    };
    const heard: [EventTarget, string, () => void][] = [
      [element, 'play', onPlay],
      [element, 'pause', onPause],
      [element, 'seeked', onSeeked],
      [globalThis, ASK.play, toggle],
      [globalThis, ASK.back, step(-frame_s)],
      [globalThis, ASK.on, step(frame_s)],
    ];
    for (const [target, name, listener] of heard) target.addEventListener(name, listener);
    return () => {
      cancelAnimationFrame(drawn);
      for (const leave of left) leave();
      for (const [target, name, listener] of heard) target.removeEventListener(name, listener);
    };
  }, [clock, t0, frame_s]);
  return (
    <video
      ref={video}
      src={url}
      {...(still !== undefined && { poster: still })}
      controls
      muted
      playsInline
      preload="auto"
      aria-label="Video of the simulation"
    />
  );
}
