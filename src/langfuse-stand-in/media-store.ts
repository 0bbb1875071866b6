import type { Pool } from 'pg';
import { z } from 'zod';

/** The media of the collector: known by id when they are announced, filled when they are uploaded. */
export function createMediaStore(pool: Pool) {
  return {
    /** The media of this id, also before it is uploaded. */
    async findMedia(id: string): Promise<StoredMedia | undefined> {
      const result = await pool.query('select * from collector.media where id = $1', [id]);
      return MediaRows.parse(result.rows)[0];
    },

    /** Expects media to be uploaded; what is known of this id already is replaced, its bytes are kept. */
    async putMedia(media: Pick<StoredMedia, 'id' | 'sha256' | 'content_type' | 'size_bytes'>): Promise<void> {
      await pool.query(
        `insert into collector.media (id, sha256, content_type, size_bytes) values ($1, $2, $3, $4)
         on conflict (id) do update set content_type = excluded.content_type, size_bytes = excluded.size_bytes`,
        [media.id, media.sha256, media.content_type, media.size_bytes],
      );
    },

    /** Keeps the bytes of media. */
    async fillMedia(id: string, bytes: Buffer): Promise<void> {
      await pool.query('update collector.media set bytes = $2 where id = $1', [id, bytes]);
    },

    /** Notes that media was uploaded, unless its bytes never came. */
    async markMedia(id: string, uploaded_at: string): Promise<void> {
      await pool.query('update collector.media set uploaded_at = $2 where id = $1 and bytes is not null', [
        id,
        uploaded_at,
      ]);
    },
  };
}

const MediaRows = z.array(
  z.object({
    id: z.string(),
    sha256: z.string(),
    content_type: z.string(),
    size_bytes: z.coerce.number(),
    bytes: z.instanceof(Buffer).nullable(),
    uploaded_at: z
      .date()
      .transform((date) => date.toISOString())
      .nullable(),
  }),
);
type StoredMedia = z.infer<typeof MediaRows>[number];
