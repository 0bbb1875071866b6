import { defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Pause, PersonAnswer, PersonMessage } from '../schemas/turn.ts';

// What people may say to a running episode. Each is defined once, here, for workflow and clients.
// The words stand in the record before they come: what is sent refers to them, and no history holds them.

/** Pause before the next thought or call. */
export const pauseSignal = defineSignal<[Pause]>('pause');
/** Go on. */
export const resumeSignal = defineSignal<[{ author: string }]>('resume');
/** A message to the agents, delivered before their next thought. Refused once the episode has ended. */
export const messageUpdate = defineUpdate<void, [PersonMessage]>('message');
/** Answer the question or approval that a step waits for. Refused where the step waits for none. */
export const answerUpdate = defineUpdate<void, [PersonAnswer]>('answer');
