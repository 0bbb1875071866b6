import type { Artifact, ArtifactLink } from '../schemas/artifact.ts';
import type { Episode } from '../schemas/episode.ts';
import { contentPathOf, traceIdOf } from '../identity.ts';
import { artifactUri } from '../storage/keys.ts';
import type { EpisodeEvent } from '../db/read/events.ts';
import type { StepWithFiles } from '../db/read/steps.ts';
import type { ApiDeps, LinkBases } from './deps.ts';
import type { ArtifactFile, ArtifactResource, EpisodeResource, EventResource, StepResource } from './resources.ts';

/** The episode with absolute links to its parts and, where there is a UI, to its workflow in Temporal's. */
export function withLinks(
  episode: Episode,
  { api_url, temporal_ui_url, temporal_namespace, langfuse_project_url }: LinkBases,
): EpisodeResource {
  const self = `${api_url}/v1/episodes/${episode.id}`;
  const workflow = `${encodeURIComponent(temporal_namespace)}/workflows/${encodeURIComponent(episode.workflow_id)}`;
  return {
    ...episode,
    links: {
      self,
      steps: `${self}/steps`,
      logs: `${self}/logs`,
      artifacts: `${self}/artifacts`,
      stream: `${self}/stream`,
      events: `${self}/events`,
      langfuse: traceUrl(langfuse_project_url(), episode.trace_id),
      temporal: temporal_ui_url === undefined ? null : `${temporal_ui_url.replace(/\/+$/, '')}/namespaces/${workflow}`,
    },
  };
}

/** Where Langfuse shows a trace, or one observation of it; every line of its versions knows this address. */
function traceUrl(project_url: string | null, traceId: string, spanId?: string): string | null {
  if (project_url === null) return null;
  const observation = spanId === undefined ? '' : `?observation=${spanId}`;
  return `${project_url}/traces/${traceId}${observation}`;
}

/** The step with the addresses of its files and of its observation, which for a fork's first steps is in its parent's trace. */
export function toStep<T extends StepWithFiles>(
  step: T,
  { store, links, namespace }: Pick<ApiDeps, 'store' | 'links' | 'namespace'>,
): T & StepResource {
  return {
    ...step,
    trace_url: traceUrl(links.langfuse_project_url(), traceIdOf(namespace, step.episode_id), step.span_id),
    artifacts: step.artifacts.map((link) => toFile({ ...link, step_id: step.id }, store.bucket)),
  };
}

/** The file with its address in S3 and the path that serves its bytes. */
export function toFile({ step_id, ...link }: ArtifactLink & { step_id: string }, bucket: string): ArtifactFile {
  const { sha256, path } = link;
  return { ...link, uri: artifactUri(bucket, sha256), href: contentPathOf(sha256, { step_id, path }) };
}

/** The object with its address in S3 and the path that serves its bytes. */
export function toArtifact(artifact: Artifact & { content_type: string }, bucket: string): ArtifactResource {
  const { sha256 } = artifact;
  return { ...artifact, uri: artifactUri(bucket, sha256), href: contentPathOf(sha256) };
}

/** The event with the path that serves its exact bytes, where its record does not hold all of them. */
export const toEvent = (event: EpisodeEvent): EventResource => ({
  ...event,
  exact_href: event.exact_sha256 && contentPathOf(event.exact_sha256),
});
