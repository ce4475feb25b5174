package dev.stator.models;

import java.net.URI;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A file to fetch.
 *
 * @param path where it goes below the model cache; safe, with slashes
 * @param bytes its size where that is known beforehand
 * @param sha256 its hash where that is known beforehand
 */
record RemoteFile(URI uri, String path, OptionalLong bytes, Optional<String> sha256) {}
