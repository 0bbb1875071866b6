/** What is to be known of an operation beside its summary: when one asks it, what to mind, what comes next. By operationId. */
export const DESCRIPTIONS: Record<string, string> = {
  getHealth: 'For orchestrators that restart what hangs. It asks no dependency: see `/readyz`.',
  getReadiness:
    'For load balancers. 503 while PostgreSQL, S3 or Temporal does not answer; Langfuse may be away, for spans wait for it.',
  getMetrics: 'In Prometheus’ text format, open to everyone who reaches the address.',
  startEpisode:
    'Store the input files first (`PUT /v1/artifacts/{sha256}`) and name them by hash. The answer is 202 at once, with links to the episode and its parts; follow `links.stream`. Sent again under the same Idempotency-Key it answers the episode that it made, with `Idempotent-Replayed: true`.',
  listEpisodes:
    'All filters must hold at once. `id_prefix` is how an id begins, as people write it. Pass `next_cursor` on as `cursor` for the next page.',
  getEpisode: 'What was asked, its status, how it ended and why, sums over its steps, and links to everything else.',
  deleteEpisode: 'Only an episode that has ended, and that no fork reads through. It cannot be taken back.',
  cancelEpisode: 'Follow the stream to see it end. An episode that has ended answers 409.',
  pauseEpisode: 'The reason is recorded. The call in progress is seen through first.',
  resumeEpisode: 'The pause becomes a step that says how long it was and who ended it.',
  sendMessage:
    'It is recorded as a step of kind `human`. While no worker runs it answers 503: send it again under the same id.',
  answerStep:
    'The open steps of kind `human` say what is asked in their `input`: a question with its choices, or a tool with its arguments. `approve: false` declines a call; `text` is the answer, or a word on the decision.',
  forkEpisode:
    'The new episode’s line begins with this one’s steps up to `step`; steps, files and conversation are read through it. Model, seed and a message can be changed.',
  rerunEpisode:
    'Nobody is asked and nothing is run while the questions are the recorded ones. `recorded_miss` of the new episode names the first that was not; from there on it is live.',
  getWorkspace: 'Each file with its hash, to be read as an artifact; `sha256` is the hash of the whole manifest.',
  getConversation: 'The messages of each role as its model was given them, rebuilt from the record.',
  rewindEpisode:
    'What came after `step` is kept as superseded. Not where this episode is a fork and the step its parent’s.',
  reproduceEpisode: 'Of one step, or of every simulation. Poll the feedback under the ids that are answered.',
  getOutline:
    'One small row a step, column by column, for lists of thousands: what it is, how it went, when, and the beginning of what it said. Follow the stream from `stream_id`; bodies are read step by step.',
  makeSignInLink:
    'The link holds a token that works once and soon expires, in the part of an address that browsers send to nobody. It answers 409 where the API serves more than its own machine.',
  listSteps:
    'The current line: superseded steps are left out, and a fork’s begins with its parent’s. Large inputs and outputs are references to artifacts.',
  getStep: 'By its number in the episode’s line. Tries are oldest first; `lost` ones died with their worker.',
  listLogs:
    'The last cursor, asked again, follows the log. A fork’s begins with its parent’s lines of the steps that both have.',
  listEvents: 'Filtered by type, step and time. A fork’s begin with its parent’s events of the steps that both have.',
  listEventSchemas: 'What `POST /v1/episodes/{id}/events` takes.',
  getEventSchema: 'JSON Schema 2020-12. A type changes only by a new version beside the old one.',
  streamEpisode:
    'Server-sent events. Come back with the last `id` as Last-Event-ID: nothing is missed and nothing sent twice, whichever process answers. 204 says that all was sent.',
  listCoverage: 'For a nightly look: what is not `complete` is worth reading.',
  auditCoverage: 'Answered at once; the new audit is the newest one when it has ended.',
  getCoverage:
    '409 while there is none yet: the first comes within a minute of the episode’s end. Findings name the step and what is missing.',
  listFeedback: 'Of the episode and of its steps; what is about a step has a `step_id`.',
  addFeedback: 'A number, a yes or no, or a category, with a comment. Correct it by saying something newer.',
  listEpisodeArtifacts: 'In the order of the steps. One file may be listed several times, as every step left it.',
  putArtifact:
    'Up to 5 GiB, streamed. The bytes are hashed on the way; others than the address names are refused (409).',
  getArtifact: 'Its size, when it was first stored, and where its bytes are.',
  getLineage:
    'A graph of artifacts and steps: for proving where a file came from, and what must be made again when it was wrong.',
  getArtifactContent:
    'One range of bytes at a time; the ETag is the hash. What a browser could run is answered as plain text.',
  listAgents: 'Names to start episodes with, and the JSON Schema of every tool.',
  listSchedules: 'Nightly restore points and drills, retention, sweeps: when each ran and will, and whether it waits.',
  steerSchedule: 'Pausing says in the schedule’s note who did it. A run that is going on is not disturbed.',
  compareEpisodes:
    'Steps are set side by side by what they are, else by their order; `first` is the place of the first pair that differs. `observatory episodes diff` and the page show the same.',
  getOperations:
    'What an operator looks at first, each with the rows that it counts. Restore points, coverage, schedules and alerts have lists of their own.',
  search: 'Words are found by their beginnings, in any case. Each place names the episode and the step.',
  getStatistics:
    'Under the same filters as the list of episodes. Rates, medians and durations are over those that have ended.',
  startSession: 'For pages: the key is sent once, as a bearer.',
  getSession: 'The name and role of the key that asks.',
  endSession: 'The cookie is taken back, and is worth nothing any more.',
  getRecoveryStatus: 'What `ok` means: the newest verified snapshot is younger than 26 hours, and no check fails.',
  listRestorePoints: 'Also those that failed, with the check that did.',
  startRestorePoint: 'It takes as long as dumping and reading it back takes; list the points to see it end.',
  listAlerts: 'The same that the webhook is sent. One alert is listed once, however often it is raised.',
  listReplays: '`deterministic` is the only good one; `sentence` says it in words.',
  listHistories: 'As Temporal’s own tools read them; they stay when Temporal has forgotten the run.',
  getBundle: 'Streamed; its last 64 bytes are the SHA-256 of all before. `observatory bundle verify` reads it whole.',
};
