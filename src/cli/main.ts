import { Command, CommanderError } from 'commander';
import { AppError } from '../errors.ts';
import { codeVersion } from '../runtime/code-version.ts';
import { printable } from './text.ts';

type Environment = Record<string, string | undefined>;
type Register = (program: Command, env: Environment) => void;

/** Every command with its line in the help. What a command needs is loaded when it is called. */
const COMMANDS: Record<string, { description: string; load: () => Promise<Register> }> = {
  up: {
    description: 'start everything: servers where none are configured, the worker and the API',
    load: async () => (await import('./stack/up.ts')).registerUp,
  },
  down: {
    description: 'stop the stack that `up` started',
    load: async () => (await import('./stack/down.ts')).registerDown,
  },
  demo: {
    description: 'run the demo episode, follow it, and check that everything of it is on record',
    load: async () => (await import('./commands/demo.ts')).registerDemo,
  },
  episodes: {
    description: 'start, list, show, follow, speak to, compare, fork, re-run, cancel and delete episodes',
    load: async () => (await import('./commands/episodes.ts')).registerEpisodes,
  },
  search: {
    description: 'find words in all episodes',
    load: async () => (await import('./commands/search.ts')).registerSearch,
  },
  statistics: {
    description: 'count what became of episodes',
    load: async () => (await import('./commands/statistics.ts')).registerStatistics,
  },
  schedules: {
    description: 'show what runs by itself; let it wait, run again, or run now',
    load: async () => (await import('./commands/schedules.ts')).registerSchedules,
  },
  rewind: {
    description: 'take an episode back to a step and on from there',
    load: async () => (await import('./commands/rewind.ts')).registerRewind,
  },
  reproduce: {
    description: 'run recorded simulations again and compare their trajectories',
    load: async () => (await import('./commands/reproduce.ts')).registerReproduce,
  },
  reconstruct: {
    description: 'write files and conversations as they were after a step into a folder',
    load: async () => (await import('./commands/reconstruct.ts')).registerReconstruct,
  },
  backup: {
    description: 'make, list, show and verify restore points',
    load: async () => (await import('./commands/backup.ts')).registerBackup,
  },
  restore: {
    description: 'restore a point into a new database and a new bucket',
    load: async () => (await import('./commands/restore.ts')).registerRestore,
  },
  reconcile: {
    description: 'after a restore: carry on the episodes that were open',
    load: async () => (await import('./commands/reconcile.ts')).registerReconcile,
  },
  drill: {
    description: 'restore a point into a scratch database, check it, and drop it',
    load: async () => (await import('./commands/drill.ts')).registerDrill,
  },
  agents: {
    description: 'show what episodes can be started with: agents, tools, models and scripts',
    load: async () => (await import('./commands/agents.ts')).registerAgents,
  },
  keys: {
    description: 'make, list and revoke API keys',
    load: async () => (await import('./commands/keys.ts')).registerKeys,
  },
  doctor: {
    description: 'look at everything that the system depends on and say what to mend',
    load: async () => (await import('./commands/doctor.ts')).registerDoctor,
  },
  'set-up': {
    description: 'make configured servers ready: migrations, namespace, search attributes, schedules',
    load: async () => (await import('./commands/set-up.ts')).registerSetUp,
  },
  coverage: {
    description: 'show whether every step of an episode is where it should be, once',
    load: async () => (await import('./commands/coverage.ts')).registerCoverage,
  },
  replay: {
    description: 'hold the workflow code against the history of episodes; nothing happens again',
    load: async () => (await import('./commands/replay.ts')).registerReplay,
  },
  bundle: {
    description: 'take an episode away as one zip, and verify one',
    load: async () => (await import('./commands/bundle.ts')).registerBundle,
  },
  fixture: {
    description: 'keep the history of an episode as a golden one',
    load: async () => (await import('./commands/fixture.ts')).registerFixture,
  },
  open: {
    description: 'print a link to the page that signs one browser in, once',
    load: async () => (await import('./commands/open.ts')).registerOpen,
  },
  completion: {
    description: 'print what makes a shell complete commands and options',
    load: loadCompletion,
  },
  env: {
    description: 'print shell exports of the API’s address and key',
    load: async () => (await import('./commands/env.ts')).registerEnv,
  },
  api: {
    description: 'run the API against the configured servers',
    load: async () => (await import('./commands/api.ts')).registerApi,
  },
  worker: {
    description: 'run a worker for all task queues',
    load: async () => (await import('./commands/worker.ts')).registerWorker,
  },
  collector: {
    description: 'run the stand-in for Langfuse that the stack uses when none is configured',
    load: async () => (await import('./commands/collector.ts')).registerCollector,
  },
};

/** Completion knows every command by its name, and loads one when it is asked what may follow it. */
async function loadCompletion(): Promise<Register> {
  const { registerCompletion } = await import('./commands/completion.ts');
  return (program, env) =>
    registerCompletion(program, async (named) => {
      const whole = new Command('observatory');
      for (const [name, { load }] of Object.entries(COMMANDS))
        if (name === named) (await load())(whole, env);
        else whole.command(name);
      return whole;
    });
}

/** 0 when it was done, 1 when it failed, 2 when it was asked wrongly. */
async function run(args: string[], env: Environment): Promise<number> {
  const program = new Command('observatory')
    .description('Runs the agents’ episodes durably and answers for everything that happened in them.')
    .version(codeVersion(), '-V, --version', 'print the version')
    .exitOverride()
    .showHelpAfterError('(--help shows what there is)');
  // `help` may come first: observatory help episodes.
  const name = args.find((arg) => arg !== 'help' && !arg.startsWith('-'));
  const command = name === undefined ? undefined : COMMANDS[name === 'complete' ? 'completion' : name];
  try {
    if (command) (await command.load())(program, env);
    else
      for (const [other, { description }] of Object.entries(COMMANDS)) program.command(other).description(description);
    for (const sub of everyCommand(program)) sub.exitOverride();
    if (args.length === 0) program.help();
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 || args.length === 0 ? 0 : 2;
    const { code, message, stack } = AppError.from(error);
    const told = error instanceof AppError || code !== 'internal' ? message : (stack ?? message);
    process.stderr.write(`observatory: ${printable(told)}\n`);
    return 1;
  }
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

// A reader that has seen enough (`| head`) closes the pipe; that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.exitCode = await run(process.argv.slice(2), process.env);
