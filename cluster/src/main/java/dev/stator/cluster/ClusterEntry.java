package dev.stator.cluster;

import dev.stator.cluster.wire.Member;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.Tokenizer;
import java.security.SecureRandom;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;

/**
 * A frontend on its way into its cluster. It joins on a thread of its own, while its vocabulary is
 * loaded and its API starts; who is heard of before there is a fabric waits for it here.
 *
 * <p>Its monitor guards what has been heard and is held while the fabric is told, in order.
 */
public final class ClusterEntry implements AutoCloseable {
    private final ClusterOptions options;
    private final long id = new SecureRandom().nextLong();
    private final CompletableFuture<Membership> joined = new CompletableFuture<>();

    // Guarded by this.
    private List<Member> members = List.of();
    private Optional<Consumer<List<Member>>> listener = Optional.empty();

    private ClusterEntry(ClusterOptions options) {
        this.options = options;
    }

    /** Begins to join. */
    public static ClusterEntry begin(ClusterOptions options) {
        return begin(options, Group::join);
    }

    static ClusterEntry begin(ClusterOptions options, Membership.Joining joining) {
        var entry = new ClusterEntry(options);
        Surroundings.prepare(options.key());
        Thread.ofPlatform().daemon().name("cluster-entry").start(() -> entry.join(joining));
        return entry;
    }

    private void join(Membership.Joining joining) {
        try {
            joined.complete(joining.join(options, self(options, id), this::heard));
        } catch (RuntimeException | Error e) {
            joined.completeExceptionally(e);
        }
    }

    static Member self(ClusterOptions options, long id) {
        return Member.newBuilder()
                .setRole(Member.Role.ROLE_FRONTEND)
                .setName(options.name())
                .setIncarnation(id)
                .setVersion(options.version())
                .build();
    }

    private synchronized void heard(List<Member> now) {
        members = now;
        listener.ifPresent(its -> its.accept(now));
    }

    private synchronized void listen(Consumer<List<Member>> its) {
        listener = Optional.of(its);
        its.accept(members);
    }

    private synchronized List<Member> members() {
        return members;
    }

    /**
     * The frontend's fabric, which leaves the cluster when it is closed. Nodes may come later.
     *
     * @param model whose vocabulary is loaded; nodes of another one are refused
     */
    public ClusterFabric fabric(FrontendOptions frontend, ModelInfo model, Tokenizer tokenizer) {
        return ClusterFabric.start(
                options,
                frontend,
                model,
                tokenizer,
                Surroundings.of(options.key(), this::adopt),
                id);
    }

    private Membership adopt(ClusterOptions its, Member self, Consumer<List<Member>> onChange) {
        listen(onChange);
        return new Membership() {
            @Override
            public List<Member> members() {
                return ClusterEntry.this.members();
            }

            @Override
            public void close() {
                ClusterEntry.this.close();
            }
        };
    }

    /**
     * Waits until it has joined, or has found that there is nobody yet.
     *
     * @throws ClusterException if the cluster cannot be joined
     */
    public void await() {
        try {
            joined.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof ClusterException cause ? cause : e;
        }
    }

    /** Leaves, if it has joined. */
    @Override
    public void close() {
        Membership membership;
        try {
            membership = joined.join();
        } catch (CompletionException e) {
            // There is nothing to leave; who awaits it is told why.
            return;
        }
        membership.close();
    }
}
