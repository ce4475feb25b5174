/**
 * Answers that are kept and given again: to the same question, or to one that asks the same in
 * other words of the same documents, where that has been seen to be right.
 */
@NullMarked
package dev.stator.api.answers;

import org.jspecify.annotations.NullMarked;
