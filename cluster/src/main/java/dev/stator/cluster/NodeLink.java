package dev.stator.cluster;

import dev.stator.cluster.wire.AnswerPart;
import dev.stator.cluster.wire.FollowCall;
import dev.stator.cluster.wire.GenerateCall;
import dev.stator.cluster.wire.Member;
import dev.stator.cluster.wire.NodeGrpc;
import dev.stator.cluster.wire.NodeNews;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A frontend's connection to one start of one node. While the node is heard of it serves; when it
 * says nothing for a while it gets no new work; when it says nothing for long, or its connection
 * breaks, all calls to it end at once and it is tried again until the group has forgotten it.
 *
 * <p>Its monitor guards its state and is held while the owner is told of changes, so these come in
 * order. Nothing that the owner does then may wait for a link.
 */
final class NodeLink implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeLink.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(250);

    /** Nodes speak five times a second: one that is not heard of for two beats is silent. */
    private static final Duration LEAST_SILENCE = Duration.ofMillis(400);

    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(4);

    enum State {
        CONNECTING,
        SERVING,
        /** Not heard of for a while. */
        SILENT,
        DRAINING,
        LOST,
        CLOSED;

        /** Whether calls to the node may be running. */
        boolean isUp() {
            return this == SERVING || this == SILENT || this == DRAINING;
        }
    }

    /** Hears of the node, one call at a time. */
    interface Owner {
        /** New work may go there. */
        void opened(NodeLink link);

        /** No new work may go there. */
        void closed(NodeLink link);

        /**
         * It served, and is gone.
         *
         * @param why empty if it has stopped as it said it would
         */
        void lost(NodeLink link, String why);

        /** What it has told of what it holds does not count any more. */
        void dropped(NodeLink link);

        /** It is asked to tell all that it holds, from the beginning. */
        void asked(NodeLink link);

        /**
         * @return false if something was missed, and all is to be told again
         */
        boolean heard(NodeLink link, NodeNews news);
    }

    private final Member member;
    private final long frontend;
    private final Duration timeout;
    private final Clock clock;
    private final Function<Member, ManagedChannel> dial;
    private final Owner owner;

    // Guarded by this.
    private State state = State.LOST;
    private Optional<ManagedChannel> channel = Optional.empty();

    private int connection;

    /** The latest connection that ended as it does when the node's process dies. */
    private int suddenlyBroken;

    /** Number of the call that follows the node; what is heard of earlier ones is ignored. */
    private int following;

    private long heardNanos;
    private long retryNanos;
    private Duration pause = FIRST_PAUSE;
    private boolean forgotten;

    /**
     * @param dial opens a connection to a node, which begins with the first call over it
     */
    NodeLink(
            Member member,
            long frontend,
            Duration timeout,
            Clock clock,
            Function<Member, ManagedChannel> dial,
            Owner owner) {
        this.member = member;
        this.frontend = frontend;
        this.timeout = timeout;
        this.clock = clock;
        this.dial = dial;
        this.owner = owner;
    }

    Member member() {
        return member;
    }

    String name() {
        return member.getName();
    }

    synchronized State state() {
        return state;
    }

    synchronized void open() {
        if (state != State.LOST) {
            return;
        }
        state = State.CONNECTING;
        heardNanos = clock.nanos();
        connection++;
        var opened = dial.apply(member);
        channel = Optional.of(opened);
        follow(opened);
    }

    private void follow(ManagedChannel over) {
        owner.asked(this);
        NodeGrpc.newStub(over)
                .follow(
                        FollowCall.newBuilder().setFrontend(frontend).build(),
                        new Ear(++following));
    }

    /** For calls that are waited for; empty if the node cannot be reached now. */
    synchronized Optional<NodeGrpc.NodeBlockingStub> blocking() {
        return channel.filter(_ -> state.isUp()).map(NodeGrpc::newBlockingStub);
    }

    /**
     * Begins a call. If the node cannot be reached any more, the request is given back at once.
     *
     * @param hearing runs what hears the answer, in order
     * @return number of the connection, for {@link #broken}
     */
    int generate(GenerateCall call, StreamObserver<AnswerPart> answer, Executor hearing) {
        Optional<ManagedChannel> over;
        int which;
        synchronized (this) {
            over = channel.filter(_ -> state.isUp());
            which = connection;
        }
        if (over.isPresent()) {
            NodeGrpc.newStub(over.get()).withExecutor(hearing).generate(call, answer);
        } else {
            clock.execute(() -> answer.onError(Calls.leaving()));
        }
        return which;
    }

    /** Notices that the node is silent; tries a lost one again. To be called now and then. */
    synchronized void tick() {
        long silent = clock.nanos() - heardNanos;
        switch (state) {
            case CONNECTING, SILENT, DRAINING -> loseIfSilent(silent);
            case SERVING -> {
                if (silent > Math.max(timeout.toNanos() / 3, LEAST_SILENCE.toNanos())) {
                    state = State.SILENT;
                    LOG.warn(
                            "the node {} has said nothing for {} ms and gets no new work",
                            name(),
                            TimeUnit.NANOSECONDS.toMillis(silent));
                    owner.closed(this);
                }
            }
            case LOST -> {
                if (forgotten) {
                    state = State.CLOSED;
                } else if (clock.nanos() - retryNanos >= 0) {
                    open();
                }
            }
            case CLOSED -> {}
        }
    }

    private void loseIfSilent(long silent) {
        if (silent > timeout.toNanos()) {
            lose(
                    "it has said nothing for %d ms"
                            .formatted(TimeUnit.NANOSECONDS.toMillis(silent)),
                    false);
        }
    }

    /**
     * A call found the connection broken.
     *
     * @param which what {@link #generate} returned
     */
    synchronized void broken(int which, String why) {
        if (which == connection && state.isUp()) {
            lose(why, true);
        }
    }

    /** Whether a connection ended as it does when the node's process dies. */
    synchronized boolean brokeSuddenly(int which) {
        return which == suddenlyBroken;
    }

    private void lose(String why, boolean suddenly) {
        if (state == State.LOST || state == State.CLOSED) {
            return;
        }
        boolean served = state != State.CONNECTING;
        state = State.LOST;
        if (suddenly) {
            suddenlyBroken = connection;
        }
        following++;
        retryNanos = clock.nanos() + pause.toNanos();
        pause =
                pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0
                        ? pause.multipliedBy(2)
                        : LONGEST_PAUSE;
        if (served) {
            owner.lost(this, why);
        } else {
            LOG.debug("the node {} cannot be reached: {}", name(), why);
        }
        owner.dropped(this);
        // Ends all calls over it.
        channel.ifPresent(ManagedChannel::shutdownNow);
        channel = Optional.empty();
    }

    /** The group does not know it any more: what runs there goes on, but it is not tried again. */
    synchronized void forget() {
        forgotten = true;
        if (state == State.CONNECTING) {
            lose("it has left", false);
        }
    }

    /** The group knows it again. */
    synchronized void remember() {
        forgotten = false;
    }

    /** Another start of the same node has taken its place. */
    synchronized void replaced() {
        forgotten = true;
        lose("it has been started anew", true);
        state = State.CLOSED;
    }

    private final class Ear implements ClientResponseObserver<FollowCall, NodeNews> {
        private final int mine;
        private Optional<ClientCallStreamObserver<FollowCall>> call = Optional.empty();

        Ear(int mine) {
            this.mine = mine;
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<FollowCall> its) {
            call = Optional.of(its);
        }

        @Override
        public void onNext(NodeNews news) {
            synchronized (NodeLink.this) {
                if (mine != following) {
                    return;
                }
                if (news.hasIncarnation() && news.getIncarnation() != member.getIncarnation()) {
                    lose(
                            "another process answers at %s:%d"
                                    .formatted(member.getHost(), member.getPort()),
                            false);
                    return;
                }
                heardNanos = clock.nanos();
                if (!owner.heard(NodeLink.this, news)) {
                    LOG.debug("{} is asked anew what it holds", name());
                    again();
                    return;
                }
                if (news.hasLoad()) {
                    settle(news);
                }
            }
        }

        private void settle(NodeNews news) {
            pause = FIRST_PAUSE;
            if (news.getLoad().getDraining()) {
                if (state != State.DRAINING) {
                    state = State.DRAINING;
                    LOG.info("the node {} is about to stop and gets no new work", name());
                    owner.closed(NodeLink.this);
                }
            } else if (state == State.CONNECTING || state == State.SILENT) {
                state = State.SERVING;
                owner.opened(NodeLink.this);
                // The owner did not know the node when it was told its load.
                owner.heard(NodeLink.this, NodeNews.newBuilder().setLoad(news.getLoad()).build());
            }
        }

        private void again() {
            call.ifPresent(its -> its.cancel("something was missed", null));
            channel.ifPresent(NodeLink.this::follow);
        }

        @Override
        public void onError(Throwable failure) {
            synchronized (NodeLink.this) {
                if (mine == following) {
                    lose(words(Status.fromThrowable(failure)), true);
                }
            }
        }

        @Override
        public void onCompleted() {
            synchronized (NodeLink.this) {
                if (mine == following) {
                    lose(state == State.DRAINING ? "" : "it has ended the connection", false);
                }
            }
        }
    }

    static String words(Status status) {
        var cause = Optional.ofNullable(status.getCause()).map(Throwable::getMessage);
        var description = Optional.ofNullable(status.getDescription());
        return description
                .filter(text -> !text.equals("io exception"))
                .or(() -> cause)
                .orElse(status.getCode().name());
    }

    /** Ends all calls; nobody is told. */
    @Override
    public synchronized void close() {
        state = State.CLOSED;
        following++;
        channel.ifPresent(ManagedChannel::shutdownNow);
        channel = Optional.empty();
    }
}
