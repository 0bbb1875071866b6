import { defineSearchAttributeKey } from '@temporalio/common';

/** What people filter episodes by in Temporal's Web UI. Set-up registers them in the namespace. */
export const EPISODE_STATUS = defineSearchAttributeKey('EpisodeStatus', 'KEYWORD');
export const EPISODE_OUTCOME = defineSearchAttributeKey('EpisodeOutcome', 'KEYWORD');
export const AGENT_NAME = defineSearchAttributeKey('AgentName', 'KEYWORD');
/** The task in a line, so that lists can show it. */
export const EPISODE_TASK = defineSearchAttributeKey('EpisodeTask', 'KEYWORD');
