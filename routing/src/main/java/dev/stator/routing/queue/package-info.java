/**
 * The waiting requests in front of the router: who is next, who may pass, who is shed.
 *
 * <p>{@link dev.stator.routing.queue.RequestQueue} is all of it for a user. Its parts, outside in:
 * classes by priority share by weight; the tenants of a class share equally, or by weight; a
 * tenant's requests go by when they are due. Shares count predicted milliseconds of work, not
 * requests.
 */
@NullMarked
package dev.stator.routing.queue;

import org.jspecify.annotations.NullMarked;
