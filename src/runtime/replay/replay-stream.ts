import type { History } from '@temporalio/common/lib/proto-utils.js';
import { AppError } from '../../errors.ts';
import type { Replay } from '../../schemas/replay.ts';
import type { WorkflowBundle } from '../temporal/workflow-bundle.ts';
import { replayHistories } from './replay.ts';
import type { OnActivation } from './replay.ts';

/** Replays for as long as it is open, one at a time in the order in which they are asked for. */
export type ReplayStream = AsyncDisposable & { replay: (history: History) => Promise<Replay> };

/**
 * Opens a stream of replays, which begins with the first. There is one in a process: a replaying worker of the SDK's leaves
 * about two megabytes behind when it ends, and takes a third of a second to begin.
 */
export function openReplayStream(
  bundle: WorkflowBundle,
  { onActivation }: { onActivation?: OnActivation } = {},
): ReplayStream {
  let stream: AsyncGenerator<Replay> | undefined;
  let next: History | undefined;
  function* histories() {
    for (let history = next; history; history = next) {
      next = undefined;
      yield history;
    }
  }
  const replay = async (history: History) => {
    stream ??= replayHistories(bundle, histories(), onActivation ? { onActivation } : {});
    next = history;
    try {
      const result: IteratorResult<Replay, undefined> = await stream.next();
      if (result.done) throw new AppError('unavailable', 'the replay was stopped');
      return result.value;
    } catch (error) {
      stream = undefined;
      throw error;
    }
  };
  let turn: Promise<unknown> = Promise.resolve();
  return {
    replay(history) {
      const mine = turn.then(() => replay(history));
      turn = mine.catch(() => {});
      return mine;
    },
    async [Symbol.asyncDispose]() {
      await turn;
      await stream?.return(undefined);
    },
  };
}
