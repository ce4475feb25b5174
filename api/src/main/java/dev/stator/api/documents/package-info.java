/**
 * Documents that come with a request, apart from its messages: how they are checked, in which order
 * the model reads them, and how they are written where the chat template has no place for them.
 */
@NullMarked
package dev.stator.api.documents;

import org.jspecify.annotations.NullMarked;
