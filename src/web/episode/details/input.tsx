import { useQuery } from '@tanstack/react-query';
import { Failure } from '../../parts/failure.tsx';
import { Plain } from '../../parts/text.tsx';
import type { StepDetailResource } from '../../resources.ts';
import { useSource } from '../../source/context.tsx';
import type { Source } from '../../source/source.ts';
import { recordOf } from '../rows.ts';
import { JsonView } from './json-view.tsx';

type Props = Readonly<{ step: StepDetailResource; episodeId: string }>;

/** What a step was asked: a call's arguments; of a thought, also the conversation that the model saw, as a chat. */
export function InputTab({ step, episodeId }: Props) {
  const source = useSource();
  return (
    <>
      <JsonView value={step.input} open={2} />
      {step.kind === 'thought' && source.conversation && (
        <Chat step={step} episodeId={episodeId} read={source.conversation} />
      )}
    </>
  );
}

type Message = { role: string; text: string; calls: string[] };

type ChatProps = Props & Readonly<{ read: NonNullable<Source['conversation']> }>;

function Chat({ step, episodeId, read }: ChatProps) {
  const before = step.seq - 1;
  const { data, error } = useQuery({
    queryKey: ['conversation', episodeId, before],
    queryFn: () => read(episodeId, before),
    staleTime: Infinity,
  });
  if (error) return <Failure error={error} />;
  if (!data) return <p className="waiting-line">Reading the conversation…</p>;
  const messages = (data.roles.find(({ role }) => role === step.agent)?.messages ?? []).map(toMessage);
  return (
    <section>
      <h3>The conversation that it went on from</h3>
      {messages.length === 0 && <p className="dim">It is the first word of this agent.</p>}
      <ol className="chat">
        {messages.map((message, index) => (
          <li key={index} className={message.role}>
            <b>{message.role}</b>
            <pre>
              <Plain>{message.text}</Plain>
            </pre>
            {message.calls.length > 0 && <p className="dim mono">calls {message.calls.join(', ')}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** A message of a conversation as it is shown; what is not text in it is named. */
function toMessage(message: unknown): Message {
  const { role, type, content, tool_calls } = recordOf(message);
  const text = Array.isArray(content) ? content.map(partOf).join('\n') : wordsOf(content);
  const calls = Array.isArray(tool_calls) ? tool_calls.map((call) => wordsOf(recordOf(call)['name'])) : [];
  return { role: wordsOf(role ?? type ?? 'message'), text, calls };
}

function partOf(part: unknown): string {
  const { text, type } = recordOf(part);
  return typeof text === 'string' ? text : `[${wordsOf(type)}]`;
}

const wordsOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? ''));
