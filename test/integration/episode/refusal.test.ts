// What Temporal answers instead of doing what it was asked: told as its refusal, in its words, and not as its absence.
import { expect, test } from 'vitest';
import { openEpisodeWorkflows } from '../../../src/runtime/temporal/client.ts';
import { APPROVAL, createDeployment } from '../../support/deployment.ts';

test('a refusal of Temporal is told in its words; that nothing answers is told as that', async () => {
  await using deployment = await createDeployment();
  const { config } = deployment;
  const episode = await deployment.rehearse(APPROVAL);
  await using elsewhere = await openEpisodeWorkflows({
    ...config,
    temporal: { ...config.temporal, namespace: 'nowhere' },
  });
  await expect(elsewhere.startEpisode(episode)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/^Temporal refused it: .*nowhere/),
  });
  await using away = await openEpisodeWorkflows({
    ...config,
    temporal: { ...config.temporal, address: '127.0.0.1:1' },
  });
  await expect(away.startEpisode(episode)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'Temporal does not answer',
  });
});
