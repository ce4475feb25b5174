package dev.stator.routing.queue;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The waiting requests of one tenant in one class, in the order of {@link Entry#DUE}, and what the
 * tenant has had so far.
 *
 * <p>A treap (Seidel and Aragon, "Randomized search trees", 1996) whose nodes are the requests
 * themselves. Each node knows the work below it, so the work before any request is known in O(log
 * n), like everything else here.
 */
final class TenantLine<T> {
    final String tenant;
    final double weight;

    /** {@link ClassQueue} explains both; they change only while the line is in none of its sets. */
    double tag;

    long order;

    private @Nullable Entry<T> root;

    TenantLine(String tenant, double weight) {
        this.tenant = tenant;
        this.weight = weight;
    }

    boolean isEmpty() {
        return root == null;
    }

    long workNanos() {
        return workNanos(root);
    }

    /** Work in proportion to weight: who has most fills the queue most. */
    double load() {
        return workNanos() / weight;
    }

    void add(Entry<T> entry) {
        root = insert(root, entry);
    }

    void remove(Entry<T> entry) {
        root = delete(root, entry);
        entry.left = null;
        entry.right = null;
        entry.subtreeWorkNanos = entry.workNanos;
    }

    /** The next in turn; the line must not be empty. */
    Entry<T> first() {
        var node = top();
        while (node.left != null) {
            node = node.left;
        }
        return node;
    }

    /** The last in turn; the line must not be empty. */
    Entry<T> last() {
        var node = top();
        while (node.right != null) {
            node = node.right;
        }
        return node;
    }

    Optional<Entry<T>> after(Entry<T> entry) {
        Entry<T> found = null;
        var node = root;
        while (node != null) {
            if (Entry.DUE.compare(entry, node) < 0) {
                found = node;
                node = node.left;
            } else {
                node = node.right;
            }
        }
        return Optional.ofNullable(found);
    }

    long workBeforeNanos(Entry<T> entry) {
        long before = 0;
        var node = root;
        while (node != null) {
            if (Entry.DUE.compare(entry, node) <= 0) {
                node = node.left;
            } else {
                before += workNanos(node.left) + node.workNanos;
                node = node.right;
            }
        }
        return before;
    }

    private Entry<T> top() {
        if (root == null) {
            throw new IllegalStateException("nobody of tenant '%s' waits".formatted(tenant));
        }
        return root;
    }

    private static long workNanos(@Nullable Entry<?> node) {
        return node == null ? 0 : node.subtreeWorkNanos;
    }

    private static <T> Entry<T> summed(Entry<T> node) {
        node.subtreeWorkNanos = workNanos(node.left) + node.workNanos + workNanos(node.right);
        return node;
    }

    private static <T> Entry<T> insert(@Nullable Entry<T> node, Entry<T> entry) {
        if (node == null) {
            return entry;
        }
        if (entry.level > node.level) {
            split(node, entry, entry);
            return summed(entry);
        }
        if (Entry.DUE.compare(entry, node) < 0) {
            node.left = insert(node.left, entry);
        } else {
            node.right = insert(node.right, entry);
        }
        return summed(node);
    }

    /** Hangs what comes before {@code at} to the left of {@code into}, the rest to the right. */
    private static <T> void split(@Nullable Entry<T> node, Entry<T> at, Entry<T> into) {
        if (node == null) {
            into.left = null;
            into.right = null;
        } else if (Entry.DUE.compare(node, at) < 0) {
            split(node.right, at, into);
            node.right = into.left;
            into.left = summed(node);
        } else {
            split(node.left, at, into);
            node.left = into.right;
            into.right = summed(node);
        }
    }

    private static <T> @Nullable Entry<T> delete(@Nullable Entry<T> node, Entry<T> entry) {
        if (node == null) {
            throw new IllegalStateException(
                    "request %d is not in its line".formatted(entry.request().id()));
        }
        if (node == entry) {
            return merge(node.left, node.right);
        }
        if (Entry.DUE.compare(entry, node) < 0) {
            node.left = delete(node.left, entry);
        } else {
            node.right = delete(node.right, entry);
        }
        return summed(node);
    }

    /** All of {@code left} comes before all of {@code right}. */
    private static <T> @Nullable Entry<T> merge(@Nullable Entry<T> left, @Nullable Entry<T> right) {
        if (left == null) {
            return right;
        }
        if (right == null) {
            return left;
        }
        if (left.level > right.level) {
            left.right = merge(left.right, right);
            return summed(left);
        }
        right.left = merge(left, right.left);
        return summed(right);
    }
}
