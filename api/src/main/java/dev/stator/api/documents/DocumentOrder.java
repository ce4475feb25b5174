package dev.stator.api.documents;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.stream.IntStream;

/**
 * Puts sets of documents into the order that lets the most of a prompt be reused: as many as
 * possible stand where an earlier prompt had the same documents before them.
 *
 * <p>Remembers the orders of earlier prompts as paths of a tree, and how often each document came
 * lately. A set follows the path through the tree that has the most text; the rest follows by how
 * often it came, so that the next sets find common beginnings. Walking such a tree greedily is
 * CacheWeaver's idea (arXiv:2606.19667); here all paths that the set has are looked at.
 *
 * <p>Remembers that a prompt was made, not that its KV is still held: what is forgotten last here
 * is what caches evict last, too. A wrong guess costs time, never an answer. Bounded. Thread-safe.
 */
public final class DocumentOrder {
    /**
     * A document.
     *
     * @param key what it is known by: the same for the same text of the same owner, as what others
     *     ask for must not show in an order
     * @param length of its text, in any unit
     */
    public record Item(long key, int length) {}

    /** Nodes that one search looks at; sets that share more paths than this are rare. */
    private static final int MOST_VISITS = 2_048;

    /** Counts halve each time as many documents have come as can be remembered. */
    private static final double HALVING = 0.5;

    /** A head, or a document behind others. Its parent was always used since it was. */
    private static final class Node {
        private final long key;
        private final Node parent;
        private final Map<Long, Node> children = new HashMap<>();

        /** The root is its own parent. */
        Node() {
            key = 0;
            parent = this;
        }

        Node(long key, Node parent) {
            this.key = key;
            this.parent = parent;
        }
    }

    private final int capacity;

    /** Its children are heads. */
    private final Node root = new Node();

    /** All nodes but the root, least recently used first, children before their parents. */
    private final SequencedSet<Node> nodes = new LinkedHashSet<>();

    /** How often documents came, least recently used first. */
    private final SequencedMap<Long, Double> counts = new LinkedHashMap<>(16, 0.75f, true);

    private long came;

    /**
     * @param capacity documents in prompts that are remembered, each taking about 200 bytes
     */
    public DocumentOrder(int capacity) {
        this.capacity = capacity;
    }

    /**
     * Arranges a set and remembers it.
     *
     * @param head what stands before the documents in the prompt, and for whom: only prompts of the
     *     same head share anything
     * @param set no two of the same key; best first, which decides where nothing else does
     * @return the positions in {@code set} in the order in which the documents are best written
     */
    public synchronized int[] arrange(long head, List<Item> set) {
        if (set.isEmpty()) {
            return new int[0];
        }
        var from = root.children.get(head);
        int[] known = from == null ? new int[0] : new Search(set).longest(from);
        var order = new LinkedHashSet<Integer>();
        Arrays.stream(known).forEach(order::add);
        IntStream.range(0, set.size())
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -count(set.get(i).key())))
                .forEachOrdered(order::add);
        remember(head, order.stream().map(i -> set.get(i).key()).toList());
        return order.stream().mapToInt(Integer::intValue).toArray();
    }

    private double count(long key) {
        return counts.getOrDefault(key, 0.0);
    }

    private void remember(long head, List<Long> path) {
        var node = child(root, head);
        var used = new ArrayList<Node>();
        used.add(node);
        for (long key : path) {
            node = child(node, key);
            used.add(node);
            counts.merge(key, 1.0, Double::sum);
        }
        used.reversed().forEach(nodes::addLast);
        forget();
        came += path.size();
        if (came >= capacity) {
            came = 0;
            counts.replaceAll((_, count) -> count * HALVING);
        }
    }

    /** Forgets a document of a salt, and what stood behind it. */
    public synchronized void forget(Document document, String salt) {
        long key = document.key(salt);
        counts.remove(key);
        var gone = new ArrayList<Node>();
        for (var node : nodes) {
            if (node.key == key && node.parent != root) {
                gone.add(node);
            }
        }
        for (var node : gone) {
            node.parent.children.remove(key, node);
            drop(node);
        }
    }

    private void drop(Node node) {
        nodes.remove(node);
        node.children.values().forEach(this::drop);
    }

    private static Node child(Node parent, long key) {
        return parent.children.computeIfAbsent(key, _ -> new Node(key, parent));
    }

    private void forget() {
        while (nodes.size() > capacity) {
            var oldest = nodes.removeFirst();
            oldest.parent.children.remove(oldest.key);
        }
        while (counts.size() > capacity) {
            counts.pollFirstEntry();
        }
    }

    /** Documents that are remembered, as those of prompts and by themselves. */
    synchronized int size() {
        return Math.max(nodes.size(), counts.size());
    }

    /** The path with the most text among those that lead through documents of one set. */
    private static final class Search {
        private final List<Item> set;
        private final Map<Long, Integer> positions = new HashMap<>();
        private final int[] path;
        private int[] best = {};
        private long bestLength;
        private int visits;

        Search(List<Item> set) {
            this.set = set;
            this.path = new int[set.size()];
            for (int i = 0; i < set.size(); i++) {
                positions.put(set.get(i).key(), i);
            }
        }

        int[] longest(Node root) {
            follow(root, 0, 0);
            return best;
        }

        private void follow(Node node, int depth, long length) {
            if (length > bestLength) {
                bestLength = length;
                best = Arrays.copyOf(path, depth);
            }
            if (node.children.size() < set.size()) {
                for (var child : node.children.values()) {
                    visit(positions.getOrDefault(child.key, -1), child, depth, length);
                }
            } else {
                for (int i = 0; i < set.size(); i++) {
                    var child = node.children.get(set.get(i).key());
                    if (child != null) {
                        visit(i, child, depth, length);
                    }
                }
            }
        }

        /** A path has no document twice, as sets have none: so it is never longer than the set. */
        private void visit(int position, Node child, int depth, long length) {
            if (position >= 0 && visits++ < MOST_VISITS) {
                path[depth] = position;
                follow(child, depth + 1, length + set.get(position).length());
            }
        }
    }
}
