// What secrets look like: kinds by spellings, none of them real. A finding takes the secret and leaves what is around it.
import { describe, expect, test } from 'vitest';
import { createRedactor } from '../../../src/tracing/redaction.ts';
import { SECRET_SHAPES } from '../../../src/tracing/secrets.ts';

const { text } = createRedactor();
const some = (length: number, alphabet = 'aB3dE6gH9') => alphabet.repeat(length).slice(0, length);
const hex = (length: number) => some(length, 'a1b2c3d4e5f60789');
const upper = (length: number) => some(length, 'A1B2C3D4Z9');
const JWT = `eyJ${some(20)}.eyJ${some(40)}.${some(43)}`;

/** Tokens that are known wherever they stand. */
const TOKENS: Record<string, string> = {
  'AWS access key': `AKIA${upper(16)}`,
  'AWS session key': `ASIA${upper(16)}`,
  OpenAI: `sk-proj-${some(48)}`,
  Anthropic: `sk-ant-api03-${some(93)}`,
  OpenRouter: `sk-or-v1-${hex(64)}`,
  Langfuse: `sk-lf-${hex(8)}-${hex(4)}-${hex(4)}-${hex(12)}`,
  'GitHub, personal': `ghp_${some(36)}`,
  'GitHub, of an app': `ghs_${some(36)}`,
  'GitHub, fine-grained': `github_pat_${some(22)}_${some(59)}`,
  GitLab: `glpat-${some(20)}`,
  'Slack bot': `xoxb-${some(12, '1234567890')}-${some(24)}`,
  'Slack app': `xapp-1-${upper(11)}-${some(13, '1234567890')}-${hex(64)}`,
  'Google API': `AIza${some(35)}`,
  'Google OAuth': `ya29.${some(60)}`,
  'Google client': `GOCSPX-${some(28)}`,
  npm: `npm_${some(36)}`,
  PyPI: `pypi-${some(120)}`,
  RubyGems: `rubygems_${hex(48)}`,
  'crates.io': `cio${some(32)}`,
  Docker: `dckr_pat_${some(27)}`,
  'Hugging Face': `hf_${some(34)}`,
  Replicate: `r8_${some(37)}`,
  Groq: `gsk_${some(52)}`,
  xAI: `xai-${some(80)}`,
  Perplexity: `pplx-${some(48)}`,
  NVIDIA: `nvapi-${some(64)}`,
  LangSmith: `lsv2_pt_${hex(32)}_${hex(10)}`,
  Databricks: `dapi${hex(32)}`,
  DigitalOcean: `dop_v1_${hex(64)}`,
  Heroku: `HRKU-${some(60)}`,
  Vault: `hvs.${some(90)}`,
  Terraform: `${some(14)}.atlasv1.${some(64)}`,
  Pulumi: `pul-${hex(40)}`,
  Tailscale: `tskey-auth-${some(11)}-${some(32)}`,
  Stripe: `sk_live_${some(24)}`,
  'Stripe webhook': `whsec_${some(32)}`,
  Square: `sq0atp-${some(22)}`,
  Shopify: `shpat_${hex(32)}`,
  Twilio: `SK${hex(32)}`,
  SendGrid: `SG.${some(22)}.${some(43)}`,
  Mailgun: `key-${hex(32)}`,
  Brevo: `xkeysib-${hex(64)}-${some(16)}`,
  Discord: `MTE${some(21)}.${some(6)}.${some(38)}`,
  Telegram: `123456789:AA${some(33)}`,
  'Azure client': `a1~8Q~${some(34)}`,
  Atlassian: `ATATT3${some(186)}`,
  Linear: `lin_api_${some(40)}`,
  Notion: `ntn_${some(46)}`,
  Figma: `figd_${some(40)}`,
  Airtable: `pat${some(14)}.${hex(64)}`,
  Grafana: `glsa_${some(32)}_${hex(8)}`,
  Sentry: `sntrys_${some(60)}`,
  'New Relic': `NRAK-${upper(27)}`,
  Postman: `PMAK-${hex(24)}-${hex(34)}`,
  'JSON web token': JWT,
  'a key of this system': `obs_${some(43)}`,
  'age key': `AGE-SECRET-KEY-1${upper(58)}`,
};

const SPELLINGS: Record<string, (token: string) => string> = {
  prose: (token) => `the value is ${token} and it works`,
  JSON: (token) => JSON.stringify({ note: 'x', value: token, next: 1 }),
  YAML: (token) => `a:\n  value: ${token}\n  b: 1\n`,
  shell: (token) => `export VALUE="${token}"; run --it`,
  URL: (token) => `https://host.example/path?a=1&v=${token}&b=2`,
};

describe.each(Object.entries(TOKENS))('%s', (_kind, token) => {
  test.each(Object.entries(SPELLINGS))('in %s', (_spelling, spell) => {
    const [before = '', after = ''] = spell('@@').split('@@');
    const clean = text(spell(token));
    expect(clean).toContain('[redacted]');
    // No run of the secret's last characters is left; the half of some that says whose it is may stay.
    expect(clean).not.toContain(token.slice(-16));
    expect(clean.startsWith(before) && clean.endsWith(after)).toBe(true);
  });
});

const PASSWORD = 'hunter2Hunter';
/** What is known by its name or surroundings: the spellings of each. */
const NAMED: Record<string, string[]> = {
  password: [
    `{"password": "${PASSWORD}"}`,
    `db:\n  password: ${PASSWORD}\n`,
    `export DB_PASSWORD=${PASSWORD}`,
    `connect(password='${PASSWORD}')`,
    `mysql --password ${PASSWORD} -h db`,
  ],
  secret: [
    `{"clientSecret":"${PASSWORD}"}`,
    `client_secret: ${PASSWORD}`,
    `CLIENT_SECRET=${PASSWORD}`,
    `secret = "${PASSWORD}"`,
    `run --client-secret=${PASSWORD}`,
  ],
  'API key': [
    `{"apiKey":"${PASSWORD}"}`,
    `api-key: ${PASSWORD}`,
    `ACME_API_KEY=${PASSWORD}`,
    `X-API-Key: ${PASSWORD}`,
    `https://h.example/?api_key=${PASSWORD}&x=1`,
  ],
  token: [
    `{\\"token\\": \\"${PASSWORD}\\"}`,
    `access_token: ${PASSWORD}`,
    `ACME_TOKEN='${PASSWORD}'`,
    `//registry.example/:_authToken=${PASSWORD}`,
    `https://h.example/?token=${PASSWORD}`,
  ],
  'access key': [
    `aws_secret_access_key = ${some(40)}`,
    `AccountName=x;AccountKey=${some(86)}==;EndpointSuffix=core`,
    `S3_SECRET_ACCESS_KEY=${some(40)}`,
    `{"secretAccessKey": "${some(40)}"}`,
    `{"private-key-id": "${hex(40)}"}`,
  ],
  authorization: [
    `Authorization: Bearer ${some(30)}`,
    `authorization: bearer ${some(30)}`,
    `AUTHORIZATION: Basic ${some(24)}==`,
    `{"authorization":"Token ${some(30)}"}`,
    `curl -H 'authorization: Digest ${some(30)}' https://h.example`,
  ],
  cookie: [
    `Cookie: session=${some(30)}`,
    `set-cookie: sid=${some(30)}; Path=/`,
    `{"cookie": "sid=${some(30)}"}`,
    `COOKIE: a=${some(30)}; b=2`,
    `curl -H "Cookie: id=${some(30)}"`,
  ],
  'URL’s password': [
    `postgres://me:${PASSWORD}@db/x`,
    `redis://:${PASSWORD}@cache:6379`,
    `"amqp://me:${PASSWORD}@mq"`,
    `https://me:${PASSWORD}@git.example/x.git`,
    `mongodb+srv://me:${PASSWORD}@c.example/?w=1`,
  ],
  'signed URL': [
    `https://s3.example/b/k?X-Amz-Signature=${hex(64)}`,
    `https://s3.example/b/k?x=1&X-Amz-Credential=${some(30)}`,
    `https://x.blob.example/c?sv=1&sig=${some(43)}%3D`,
    `https://maps.example/?key=${some(30)}&q=1`,
    `https://h.example/?access_token=${some(30)}`,
  ],
  'private key': [
    `-----BEGIN PRIVATE KEY-----\n${some(64)}\n-----END PRIVATE KEY-----`,
    `-----BEGIN RSA PRIVATE KEY-----\n${some(64)}\n-----END RSA PRIVATE KEY-----`,
    `{"private_key": "-----BEGIN PRIVATE KEY-----\\n${some(64)}\\n-----END PRIVATE KEY-----\\n"}`,
    `-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n${some(64)}\n-----END PGP PRIVATE KEY BLOCK-----`,
    `-----BEGIN OPENSSH PRIVATE KEY-----\n${some(64)} and it was cut`,
  ],
  'credentials of tools': [
    `curl -u me:${PASSWORD} https://h.example`,
    `machine h.example login me password ${PASSWORD}`,
    `{"auths":{"r.example":{"auth":"${some(24)}=="}}}`,
    `https://hooks.slack.com/services/T00000000/B00000000/${some(24)}`,
    `https://discord.com/api/webhooks/123456789012345678/${some(68)}`,
  ],
};

test.each(Object.entries(NAMED).flatMap(([kind, spellings]) => spellings.map((spelling) => [kind, spelling] as const)))(
  'a %s is taken out of %s',
  (_kind, spelling) => {
    const clean = text(spelling);
    expect(clean).toContain('[redacted]');
    for (const secret of [PASSWORD, some(24), hex(24)]) expect(clean).not.toContain(secret);
    expect(text(clean)).toBe(clean);
  },
);

test.each([
  'const token = parser.next();',
  'password: string;',
  '"input_tokens": 123456, "max_tokens": 4096',
  'tokens_total{kind="input"} 123456',
  '<key name="home" qpos="0 0 1 0 0 0"/> <geom class="sk-estimator-doc-link-part"/>',
  'secretary_desk_2 = Box(0.3, 0.2, 0.1)',
  'see https://host.example:8080/v1/episodes?cursor=abcdefghijkl',
  'API_KEY=$OTHER_KEY run; TOKEN="${SOME_TOKEN}"',
  `sha256 ${hex(64)}, id 0198c0de-7000-7000-8000-000000000000`,
  'a basic understanding of bearer plates and of the task at hand',
  'key: value, keyframe: 12, primary_key_of_it: bigint',
])('%s is left as it is', (plain) => {
  expect(text(plain)).toBe(plain);
});

/** A quadratic shape would take minutes with this, a linear one takes milliseconds. */
const LONG_CHARS = 1_000_000;
const beginnings = [...new Set(SECRET_SHAPES.flatMap(({ begins }) => begins))];

test('no text of repeated beginnings, whatever stands between them, is looked at again and again', () => {
  for (const beginning of beginnings)
    for (const between of ['', ' ', '-', 'a1', '=', '.'])
      expect(
        text((beginning + between).repeat(LONG_CHARS / 10 / (beginning.length + between.length))).length,
      ).toBeGreaterThan(0);
});

test('a megabyte of what most shapes begin with is looked through', () => {
  for (const unit of [
    'eyJ-',
    'eyJa.',
    'password',
    'token: ',
    'sk-a',
    '://a:',
    'key = ',
    'Cookie: a',
    'login a password ',
    'gl.atlasv1.',
  ])
    expect(text(unit.repeat(LONG_CHARS / unit.length)).length).toBeGreaterThan(0);
});
