// The schema that the migrations make, as text: a change of a migration shows in the diff of migrations/schema.sql.
// After adding a migration: vitest run --project integration test/integration/db/schema.test.ts -u
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** What Postgres says of the public schema, in an order and a form that its versions agree on. */
const DESCRIPTION = `
  select 1 as part, c.relname as name, 'create table ' || c.relname || E' (\\n' || string_agg('  ' || a.attname || ' ' ||
    format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end ||
    coalesce(case when a.attidentity <> '' then ' generated identity' else ' default ' || pg_get_expr(d.adbin, d.adrelid) end, ''),
    E',\\n' order by a.attnum) || E'\\n);' as text
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') group by c.relname
  union all select 2, conrelid::regclass::text || conname, 'alter table ' || conrelid::regclass || ' add constraint ' || conname || ' ' ||
    pg_get_constraintdef(oid) || ';' from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n' and conrelid <> 0
  union all select 3, indexname, replace(indexdef, 'public.', '') || ';' from pg_indexes where schemaname = 'public'
    and indexname not in (select conname from pg_constraint)
  union all select 4, proname, pg_get_functiondef(oid) || ';' from pg_proc where pronamespace = 'public'::regnamespace
  union all select 5, tgname, pg_get_triggerdef(oid) || ';' from pg_trigger where not tgisinternal
  union all select 6, stxname, replace(pg_get_statisticsobjdef(oid), 'public.', '') || ';' from pg_statistic_ext
  order by 1, 2`;

test('migrations/schema.sql is the schema that the migrations make', async () => {
  const { rows } = await database.client.pool.query<{ text: string }>(DESCRIPTION);
  const text = `-- Generated from the migrations; see test/integration/db/schema.test.ts.\n\n${rows.map((row) => row.text.trimEnd()).join('\n\n')}\n`;
  await expect(text).toMatchFileSnapshot('../../../migrations/schema.sql');
});
