/** Goal: Temporal's own database is copied consistently while it is written, and a damaged copy is told. Method: a real SQLite file in WAL mode, a writer beside it. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { checkSqlite, copyTemporalFile } from '../../../src/backup/temporal-file.ts';
import { openBackups } from '../../../src/runtime/recovery.ts';
import { createRecoveryDeployment, working } from './recovery-deployment.ts';

test('a copy taken between writes holds whole transactions only, and a bent page is noticed', async () => {
  await using deployment = await createRecoveryDeployment();
  const folder = await mkdtemp(join(tmpdir(), 'observatory-sqlite-'));
  const live = join(folder, 'temporal.db');
  // As Temporal's own schema does: a literal in the quotes of a name.
  const writer = new DatabaseSync(live, { enableDoubleQuotedStringLiterals: true });
  writer.exec('pragma journal_mode = wal');
  writer.exec('create table history (n integer, text text, kind text generated always as (coalesce(text, "$.none")))');
  const both = (n: number) =>
    writer.exec(
      `begin; insert into history (n, text) values (${n}, '${'x'.repeat(500)}'); insert into history (n, text) values (${-n}, 'y'); commit`,
    );
  for (let n = 1; n <= 500; n++) both(n);
  const deps = { ...deployment.backups, temporal_file: live };
  const copying = copyTemporalFile(deps, { id: 'a-point' }, working());
  for (let n = 501; n <= 600; n++) both(n);
  const part = await copying;
  expect(part).toMatchObject({ key: 'points/a-point/attempt-1/temporal.db' });

  const file = join(folder, 'copy.db');
  await deployment.backups.backups.names.readToFile(part!, file);
  checkSqlite(file);
  const copy = new DatabaseSync(file, { readOnly: true, enableDoubleQuotedStringLiterals: true });
  expect(copy.prepare('select count(*) >= 1000 as all_before, sum(n) as balance from history').get()).toEqual({
    all_before: 1,
    balance: 0,
  });
  copy.close();

  const bytes = await readFile(file);
  bytes.fill(0xff, 4096, 4200);
  await writeFile(file, bytes);
  expect(() => checkSqlite(file)).toThrow(expect.objectContaining({ code: 'data_loss' }));
  writer.close();
  await rm(folder, { recursive: true });
});

test('only the file of a Temporal that this home runs belongs to the point', async () => {
  await using deployment = await createRecoveryDeployment();
  const { config, backups } = deployment;
  const file = join(config.home, 'temporal', 'temporal.db');
  await mkdir(join(config.home, 'temporal'));
  await mkdir(join(config.home, 'run'));
  await writeFile(file, '');
  const owned = async () => {
    await using opened = await openBackups(config, backups);
    return opened.temporal_file;
  };
  expect(await owned(), 'left by an earlier stack').toBeUndefined();
  await writeFile(join(config.home, 'run', 'temporal.json'), '{}');
  expect(await owned()).toBe(file);
});

test('where Temporal keeps its own database nothing is copied', async () => {
  await using deployment = await createRecoveryDeployment();
  expect(deployment.backups.temporal_file).toBeUndefined();
  expect(await copyTemporalFile(deployment.backups, { id: 'a-point' }, working())).toBeNull();
});
