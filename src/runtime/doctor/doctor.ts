import type { Config } from '../../config/config.ts';
import { checkEpisodes } from './episodes.ts';
import { perform } from './finding.ts';
import type { Finding } from './finding.ts';
import { checkMachine } from './machine.ts';
import { checkLangfuse } from './langfuse.ts';
import { checkModelEndpoints } from './models.ts';
import { checkBuckets, checkPostgres } from './servers.ts';
import { checkTemporal } from './temporal.ts';

/** Looks at everything that a deployment depends on, all at once and within bounded time; never throws. */
export async function diagnose(config: Config): Promise<Finding[]> {
  const checks = [
    checkPostgres(config),
    ...checkBuckets(config),
    checkTemporal(config.temporal),
    checkEpisodes(config),
    checkLangfuse(config),
    ...checkModelEndpoints(config),
    ...checkMachine(config),
  ];
  return (await Promise.all(checks.map(perform))).flat();
}
