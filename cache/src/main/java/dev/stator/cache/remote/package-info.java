/**
 * The remote tier: blocks in a store that several nodes share, such as Redis or an object store.
 *
 * <p>{@link dev.stator.cache.remote.RemoteTier} writes blocks behind and finds out what is there,
 * {@link dev.stator.cache.remote.RemotePromoter} brings blocks to the host tier; a {@link
 * dev.stator.cache.remote.RemoteStore} knows how to talk to one kind of store. Nothing that comes
 * from a store is trusted: every value is authenticated, and its token ids compared, before anybody
 * sees its bytes. A store that is slow, full of rubbish or gone costs reuse, never an answer.
 *
 * <p>{@link dev.stator.cache.remote.PrefixExport} and {@link dev.stator.cache.remote.PrefixImport}
 * carry prefixes from one host tier to another in files of the same records.
 */
@NullMarked
package dev.stator.cache.remote;

import org.jspecify.annotations.NullMarked;
