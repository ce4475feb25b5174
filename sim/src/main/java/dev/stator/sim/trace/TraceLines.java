package dev.stator.sim.trace;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/** The lines of a file that are not blank, and which one was read last. */
final class TraceLines implements AutoCloseable {
    private final Path file;
    private final BufferedReader reader;
    private int number;

    TraceLines(Path file) {
        this.file = file;
        try {
            reader = Files.newBufferedReader(file);
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    Optional<String> next() {
        try {
            String line;
            do {
                line = reader.readLine();
                number++;
            } while (line != null && line.isBlank());
            return Optional.ofNullable(line);
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /** Number of the line that was read last, from 1. */
    int number() {
        return number;
    }

    /** Says what is wrong with the line that was read last. */
    TraceException wrong(String problem) {
        return new TraceException("%s line %d: %s".formatted(file, number, problem));
    }

    private TraceException unreadable(IOException e) {
        var reason =
                switch (e) {
                    case NoSuchFileException _ -> "there is no such file";
                    case MalformedInputException _ -> "it is not UTF-8";
                    default -> e.toString();
                };
        return new TraceException("cannot read the trace %s: %s".formatted(file, reason));
    }

    @Override
    public void close() {
        try {
            reader.close();
        } catch (IOException e) {
            throw unreadable(e);
        }
    }
}
