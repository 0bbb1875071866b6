/**
 * What secrets look like in text. A shape is tried only where one of its beginnings stands, ends within a bound when it fails, and takes
 * what it matched: looking a text through is linear in its length. Kinds and lengths are those of the vendors' descriptions and of
 * gitleaks' rules (https://github.com/gitleaks/gitleaks).
 */
export type SecretShape = {
  /** Some of these, in any case, stands where the shape begins; at least three characters. */
  begins: readonly string[];
  /** What it is, from where it begins; what a group catches stays. */
  source: string;
  /** Letters in any case. */
  anyCase?: boolean;
};

/** Vendors' tokens: the kind, how one begins, and what follows. */
const TOKENS: readonly (readonly [kind: string, begins: string, follows: string])[] = [
  ['AWS', 'AKIA ASIA ABIA ACCA', '[A-Z0-9]{16}(?![A-Za-z0-9])'],
  ['OpenAI, Anthropic, DeepSeek, OpenRouter, Langfuse', 'sk- pk-', '(?=[A-Za-z_-]{0,60}\\d)[A-Za-z0-9_-]{20,}'],
  ['GitHub', 'ghp_ gho_ ghu_ ghs_ ghr_', '[A-Za-z0-9]{36,}'],
  ['GitHub, of one repository', 'github_pat_', '[A-Za-z0-9_]{22,}'],
  ['GitLab', 'glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat-', '[A-Za-z0-9_-]{20,}'],
  ['Slack', 'xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs-', '[A-Za-z0-9-]{10,}'],
  ['Slack app', 'xapp-', '\\d-[A-Za-z0-9-]{10,}'],
  ['Google', 'AIza', '[A-Za-z0-9_-]{35}'],
  ['Google access', 'ya29.', '[A-Za-z0-9_-]{20,}'],
  ['Google client', 'GOCSPX-', '[A-Za-z0-9_-]{28}'],
  ['Google refresh', '1//0', '[A-Za-z0-9_-]{40,}'],
  ['npm', 'npm_', '[A-Za-z0-9]{36}'],
  ['PyPI', 'pypi-', '[A-Za-z0-9_-]{50,}'],
  ['RubyGems', 'rubygems_', '[a-f0-9]{48}'],
  ['crates.io', 'cio', '[A-Za-z0-9]{32}(?![A-Za-z0-9])'],
  ['NuGet', 'oy2', '[a-z0-9]{43}(?![A-Za-z0-9])'],
  ['Docker', 'dckr_pat_ dckr_oat_', '[A-Za-z0-9_-]{20,}'],
  ['Hugging Face', 'hf_', '[A-Za-z0-9]{30,}'],
  ['Replicate', 'r8_', '[A-Za-z0-9]{30,}'],
  ['Groq', 'gsk_', '[A-Za-z0-9]{40,}'],
  ['xAI', 'xai-', '[A-Za-z0-9]{40,}'],
  ['Perplexity', 'pplx-', '[A-Za-z0-9]{32,}'],
  ['NVIDIA', 'nvapi-', '[A-Za-z0-9_-]{40,}'],
  ['LangSmith', 'lsv2_pt_ lsv2_sk_', '[a-f0-9]{32}'],
  ['Databricks', 'dapi', '[a-f0-9]{32}'],
  ['DigitalOcean', 'doo_v1_ dop_v1_ dor_v1_ dot_v1_', '[a-f0-9]{64}'],
  ['Heroku', 'HRKU-', '[A-Za-z0-9_-]{36,}'],
  ['Netlify', 'nfp_', '[A-Za-z0-9]{36,}'],
  ['Cloudflare origin', 'v1.0-', '[a-f0-9]{24}-[a-f0-9]{146}'],
  ['Vault', 'hvs. hvb. hvr.', '[A-Za-z0-9_-]{24,}'],
  ['Pulumi', 'pul-', '[a-f0-9]{40}'],
  ['Doppler', 'dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.', '[A-Za-z0-9]{40,}'],
  ['Tailscale', 'tskey-', '[A-Za-z0-9-]{20,}'],
  ['1Password', 'ops_eyJ', '[A-Za-z0-9+/=_-]{100,}'],
  ['age', 'AGE-SECRET-KEY-1', '[A-Z0-9]{58}'],
  ['Stripe', 'sk_live_ pk_live_ rk_live_ sk_test_ pk_test_ rk_test_ sk_prod_ rk_prod_', '[A-Za-z0-9]{10,}'],
  ['Stripe webhook', 'whsec_', '[A-Za-z0-9+/=]{20,}'],
  ['Square', 'sq0atp- sq0csp- sq0idp-', '[A-Za-z0-9_-]{22,}'],
  ['Braintree', 'access_token$production$ access_token$sandbox$', '[0-9a-z]{16}\\$[0-9a-f]{32}'],
  ['Plaid', 'access-sandbox- access-development- access-production-', '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'],
  ['Shopify', 'shpat_ shpca_ shppa_ shpss_', '[a-fA-F0-9]{32}'],
  ['Twilio', 'SK', '[a-f0-9]{32}(?![A-Za-z0-9])'],
  ['SendGrid', 'SG.', '[A-Za-z0-9_-]{16,32}\\.[A-Za-z0-9_-]{16,64}'],
  ['Mailgun', 'key-', '[a-f0-9]{32}'],
  ['Brevo', 'xkeysib-', '[a-f0-9]{64}-[A-Za-z0-9]{16}'],
  ['Atlassian', 'ATATT3', '[A-Za-z0-9_=-]{100,}'],
  ['Linear', 'lin_api_ lin_oauth_', '[A-Za-z0-9]{32,}'],
  ['Notion', 'secret_ ntn_', '[A-Za-z0-9]{40,}'],
  ['Figma', 'figd_', '[A-Za-z0-9_-]{38,}'],
  ['Airtable', 'pat', '[A-Za-z0-9]{14}\\.[a-f0-9]{64}'],
  ['Grafana', 'glsa_', '[A-Za-z0-9]{32}_[a-f0-9]{8}'],
  ['Sentry', 'sntrys_ sntryu_', '[A-Za-z0-9+/=_-]{40,}'],
  ['New Relic', 'NRAK-', '[A-Z0-9]{27}'],
  ['Dynatrace', 'dt0c01. dt0s01. dt0s02. dt0s16.', '[A-Z0-9]{24}\\.[A-Z0-9]{64}'],
  ['Postman', 'PMAK-', '[a-f0-9]{24}-[a-f0-9]{34}'],
  ['PlanetScale', 'pscale_tkn_ pscale_oauth_ pscale_pw_', '[A-Za-z0-9_.=-]{32,}'],
  ['this system', 'obs_', '[A-Za-z0-9_-]{43}'],
];

/** Nothing before it belongs to the same word. */
const AT_START = '(?<![A-Za-z0-9])';
const HEX = '0123456789abcdef'.split('');
const escaped = (text: string) => text.replaceAll(/[.$+/]/g, String.raw`\$&`);

const tokens: SecretShape[] = TOKENS.map(([, begins, follows]) => {
  const words = begins.split(' ');
  const source = `${AT_START}(?:${words.map(escaped).join('|')})${follows}`;
  // Twilio's begins with two letters: which hexadecimal digit follows is part of the beginning.
  return { begins: words.flatMap((word) => (word.length < 3 ? HEX.map((digit) => word + digit) : word)), source };
});

/** Base64 of a user's number, which Discord's tokens begin with. */
const DISCORD = 'MNO'
  .split('')
  .flatMap((a) => 'DTjz'.split('').flatMap((b) => 'AEIMQUYcgk'.split('').map((c) => a + b + c)));

/** Tokens whose secret part is known by its middle. */
const inner: SecretShape[] = [
  { begins: ['eyJ'], source: '(?<![\\w-])eyJ[A-Za-z0-9_-]{8,}\\.eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]+' },
  { begins: DISCORD, source: `${AT_START}[MNO][A-Za-z0-9_-]{23,27}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,40}` },
  { begins: [':AA', ':AE', ':AF', ':AG', ':AH'], source: '(?<=\\d{8})(:)A[A-Za-z0-9_-]{34}(?![A-Za-z0-9_-])' }, // Telegram
  {
    begins: '0123456789'.split('').map((digit) => `${digit}Q~`),
    source: '(?<=[A-Za-z0-9_~.]{3})\\dQ~[A-Za-z0-9_~.-]{31,34}',
  }, // Azure
  { begins: ['.atlasv1.'], source: '(?<=[A-Za-z0-9]{14})(\\.atlasv1\\.)[A-Za-z0-9_=-]{60,}' }, // Terraform
];

const QUOTE = '\\\\?["\'`]?';
const BETWEEN = `${QUOTE}\\s{0,3}(?:=>|:=|[:=])\\s{0,3}${QUOTE}`;
/** A value that is no word, number, call or reference: it has letters and digits, and holds no bracket. */
const ONE = '[^\\s"\'`,;()<>{}[\\]&\\\\]';
/** Types and algorithms with a number in their name, calls, and variables named after these. */
const CODE = '(?![\\w$.]{0,200}\\()(?!(?:[\\w$]{1,40}\\.)?(?:u?int|float|big|base|sha|utf|md)-?\\d)';
const VALUE = `${CODE}(?=${ONE}{0,200}\\d)(?=${ONE}{0,200}[A-Za-z])${ONE}{6,}`;
/** Not one already taken out, and not a shell's or a template's reference to one. */
const LITERAL = '(?![$<{\\[])';
const words = (text: string) => text.split(' ');

/** Secrets that are known by what stands before them. */
const named: SecretShape[] = [
  {
    begins: words('password passwd passphrase passcode pwd secret token credential _auth'),
    source: `((?:pass(?:word|wd|phrase|code)|pwd|secret|token|credentials?|_auth)[\\w-]{0,40}${BETWEEN})${VALUE}`,
    anyCase: true,
  },
  {
    begins: ['key'],
    source: `(?<=(?:api|access|account|private|signing|encryption|master|shared)[-_ ]?)(key[\\w-]{0,40}${BETWEEN})${VALUE}`,
    anyCase: true,
  },
  {
    begins: words('PASSWORD PASSWD PASSPHRASE _PASS SECRET API_KEY APIKEY TOKEN ACCESS_KEY ACCESSKEY PRIVATE_KEY'),
    source: `((?:PASSWORD|PASSWD|PASSPHRASE|_PASS|SECRET|API_?KEY|TOKEN|ACCESS_?KEY|PRIVATE_KEY)[A-Z0-9_]{0,40}=["']?)${LITERAL}[^\\s'"]{6,}`,
  },
  {
    begins: ['authorization'],
    source: `(authorization${BETWEEN}(?:[a-z-]{3,20} )?)${LITERAL}(?=[^\\s"'\`,]{0,200}\\d)[^\\s"'\`,()]{8,}`,
    anyCase: true,
  },
  { begins: ['bearer '], source: '(?<![a-z])(bearer )[a-z0-9+/=._~-]{16,}', anyCase: true },
  { begins: ['basic '], source: '(?<![a-z])(basic )(?=[a-z+/]{0,200}[\\d=])[a-z0-9+/=]{12,}', anyCase: true },
  { begins: ['cookie'], source: `(cookie${BETWEEN}[\\w.-]{1,60}=)${LITERAL}[^\\r\\n"'\`]{6,}`, anyCase: true },
  {
    begins: words('--password --passphrase --token --secret --api-key --access-token --client-secret'),
    source: `(--(?:password|passphrase|token|secret|api-key|access-token|client-secret)[= ]["']?)(?!-)${LITERAL}[^\\s"']{6,}`,
  },
  {
    begins: [' -u ', ' --user ', ' --user='],
    source: `( (?:-u|--user)[ =]["']?[\\w.@-]{1,60}:)${LITERAL}[^\\s"']{4,}`,
  },
  { begins: ['login'], source: `(login\\s{1,3}\\S{1,100}\\s{1,3}password\\s{1,3})${LITERAL}\\S{4,}` }, // .netrc
  { begins: ['"auth"'], source: '("auth"\\s{0,3}:\\s{0,3}")[A-Za-z0-9+/=]{12,}' }, // docker login
  { begins: ['://'], source: `(://[^\\s:/@"']{0,100}:)${LITERAL}[^\\s/@"']{1,200}(?=@)` }, // a URL's password
  {
    begins: ['?', '&'].flatMap((at) =>
      words('sig= key= token= signature= access_token= api_key= apikey= x-amz-').map((name) => at + name),
    ),
    source: `([?&](?:sig|signature|key|token|access_token|api_?key|x-amz-(?:signature|credential|security-token))=)${LITERAL}[^\\s&"'#]{10,}`,
    anyCase: true,
  },
  {
    begins: ['hooks.slack.com/'],
    source: '(hooks\\.slack\\.com/(?:services|workflows|triggers)/)[A-Za-z0-9_/+-]{30,}',
  },
  { begins: ['/api/webhooks/'], source: '(/api/webhooks/)\\d{15,20}/[A-Za-z0-9_-]{40,}' }, // Discord
  {
    begins: ['-----BEGIN '],
    source: '-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\\s\\S]*?(?:-----END [A-Z0-9 ]{0,40}-----|$)',
  },
  { begins: ['Private-Lines: '], source: '(Private-Lines: \\d{1,3}\\r?\\n)[A-Za-z0-9+/=\\r\\n]{16,}' }, // PuTTY
];

export const SECRET_SHAPES: readonly SecretShape[] = [...tokens, ...inner, ...named];
