import { AppError } from '../../errors.ts';
import type { Source } from './source.ts';

/** The page's source from the bundle of one episode, with no server behind. */
export async function createBundleSource(url: string): Promise<Source> {
  throw new AppError('unimplemented', `Bundles cannot be opened yet (${url}).`);
}
