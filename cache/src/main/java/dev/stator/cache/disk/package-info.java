/**
 * The disk tier: blocks that outlive the process, in append-only segments.
 *
 * <p>{@link dev.stator.cache.disk.DiskTier} keeps blocks, {@link dev.stator.cache.disk.Promoter}
 * brings them back to the host tier. A block that is written is durable against the death of the
 * process, and against that of the machine once its segment is sealed. Nothing in the folder is
 * trusted: every block is authenticated, and its token ids compared, before anybody sees its bytes.
 * A prefix on disk never has a hole. Trouble with the disk costs reuse, never an answer.
 */
@NullMarked
package dev.stator.cache.disk;

import org.jspecify.annotations.NullMarked;
