package dev.stator.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import org.slf4j.LoggerFactory;

/** One terse line per event on standard error. Logback finds it as a service; no XML is read. */
public final class Logging extends ContextAwareBase implements Configurator {
    private static final String PATTERN = "%d{HH:mm:ss.SSS} %-5level %logger{0}: %msg%n%ex";

    /** Held, for a logger that nobody holds forgets its level. */
    private static final java.util.logging.Logger GRPC =
            java.util.logging.Logger.getLogger("io.grpc");

    @Override
    public ExecutionStatus configure(LoggerContext context) {
        var encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern(PATTERN);
        encoder.start();
        var appender = new ConsoleAppender<ILoggingEvent>();
        appender.setContext(context);
        appender.setName("stderr");
        appender.setTarget("System.err");
        appender.setEncoder(encoder);
        appender.start();
        var root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.WARN);
        root.addAppender(appender);
        context.getLogger("dev.stator").setLevel(Level.INFO);
        // Says of each client that breaks its connection off that it is an error.
        context.getLogger("io.vertx.core.net.impl.ConnectionBase").setLevel(Level.OFF);
        // Tells of every attempt to reconnect; the remote tier tells once.
        context.getLogger("io.lettuce").setLevel(Level.ERROR);
        // Tell of members that come and go, which the cluster says in its own words.
        context.getLogger("org.jgroups").setLevel(Level.OFF);
        // Tells of every connection that breaks, by the JDK's own logging.
        GRPC.setLevel(java.util.logging.Level.OFF);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    /** Lets all of Stator's own events through. */
    static void verbose() {
        if (LoggerFactory.getLogger("dev.stator") instanceof Logger logger) {
            logger.setLevel(Level.DEBUG);
        }
    }
}
