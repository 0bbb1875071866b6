import { Context } from '@temporalio/activity';
import { createArtifactSweepPhases } from '../backup/artifact-deletion.ts';
import type { BackupDeps } from '../backup/deps.ts';
import { createRestoreDrillPhases } from '../backup/drill.ts';
import { createRestorePointPhases } from '../backup/point.ts';
import { createProgress } from '../backup/progress.ts';
import type { Phase } from '../backup/progress.ts';
import { createRetentionPhases } from '../backup/retention.ts';
import { createRecoveryWatchPhases } from '../backup/watch.ts';
import { heartbeatingWith } from './heartbeat.ts';

/** Every activity of recovery: the phases of backups, each heartbeating with how far it is. */
export function createBackupActivities(deps: BackupDeps) {
  return {
    ...asActivities(createRestorePointPhases(deps)),
    ...asActivities(createRestoreDrillPhases(deps)),
    ...asActivities(createRetentionPhases(deps)),
    ...asActivities(createArtifactSweepPhases(deps)),
    ...asActivities(createRecoveryWatchPhases(deps)),
  };
}

/** What workflows call of it. */
export type BackupActivities = ReturnType<typeof createBackupActivities>;

type AsActivities<Phases> = {
  [Name in keyof Phases]: Phases[Name] extends Phase<infer Input, infer Result>
    ? (input: Input) => Promise<Result>
    : never;
};

function asActivities<Phases extends Record<string, Phase<never, unknown>>>(phases: Phases): AsActivities<Phases> {
  const activities = Object.entries(phases).map(([name, phase]) => [name, asActivity(phase)]);
  // Each entry is made from the phase of the same name.
  return Object.fromEntries(activities) as AsActivities<Phases>;
}

function asActivity<Input, Result>({ phase, work }: Phase<Input, Result>): (input: Input) => Promise<Result> {
  return heartbeatingWith((heartbeat) => async (input: Input) => {
    const { report, progress } = createProgress(phase);
    heartbeat(progress);
    const { cancellationSignal: signal, info } = Context.current();
    return work(input, { report, signal, attempt: info.attempt });
  });
}
