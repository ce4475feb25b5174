/**
 * Stores for the remote tier, each through its own client: Redis or Valkey, and what speaks S3.
 * Credentials never leave this package other than to the store.
 */
@NullMarked
package dev.stator.remote;

import org.jspecify.annotations.NullMarked;
