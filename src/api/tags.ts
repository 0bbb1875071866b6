/** What the operations of each tag are about, in the order in which one meets them. */
export const TAGS = [
  {
    name: 'episodes',
    description:
      'An episode is one run of a team of agents on a task. Store its input files as artifacts, start it (answered at once with 202), and follow its stream until it has ended. Lists are newest first and paged by an opaque cursor.',
  },
  {
    name: 'people',
    description:
      'What people do in a running episode: pause it, speak to its agents, answer a question, approve or decline a call. Each is recorded as a step under the name of the API key.',
  },
  {
    name: 'steps',
    description:
      'A step is a thought, a tool call, a simulation, a review or a person’s word, numbered without gap by `seq`. It ends once, together with its tries, files and span.',
  },
  {
    name: 'logs',
    description: 'What commands printed, agents said and the system noted, line by line, by step and try.',
  },
  {
    name: 'artifacts',
    description:
      'Immutable files under the SHA-256 of their bytes: stored once, however many steps refer to them. Contents are served whole or in ranges, and lineage says which steps read and made them.',
  },
  {
    name: 'events',
    description:
      'Typed events under published JSON Schemas, recorded of our own steps and reported by workers outside. Under one `event_id` an event is recorded once.',
  },
  {
    name: 'debugging',
    description:
      'Going on from, or again over, what is on record: fork after any step, re-run with recorded answers, rewind in place, read files and conversations back, simulate again.',
  },
  {
    name: 'replays',
    description:
      'Holding the workflow code against archived histories, and taking a whole episode away as one verified file. Nothing happens again.',
  },
  {
    name: 'coverage',
    description:
      'Audits that hold Temporal’s history, the steps, the traces in Langfuse and the stored objects against each other, and feedback on episodes and steps.',
  },
  { name: 'search', description: 'Looking through all episodes at once: by words, and in figures.' },
  {
    name: 'catalogue',
    description: 'What episodes can be started with here, and what this deployment does by itself on schedules.',
  },
  {
    name: 'recovery',
    description: 'Restore points: whether this deployment could be restored, and making a point now.',
  },
  { name: 'sessions', description: 'Cookies for browsers, made with an API key and ended by signing out.' },
  {
    name: 'system',
    description:
      'Whether this process answers and can serve, its figures for Prometheus, and what operators must know.',
  },
];
