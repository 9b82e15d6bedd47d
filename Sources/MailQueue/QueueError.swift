/// What the spool could not do.
package enum QueueError: Error, Sendable, Equatable {
  /// No message has this id, or it has left the queue.
  case notFound(String)
  /// Another process runs deliveries from this folder.
  case inUse(String)
  /// A file could not be read or written; the text names it and the system's reason.
  case storage(String)
  /// The envelope cannot be kept: no recipient, or too many.
  case envelope(String)
}

extension QueueError: CustomStringConvertible {
  /// One line for logs and the command line.
  package var description: String {
    switch self {
    case .notFound(let id): "no message \(id) in the queue"
    case .inUse(let path): "another martinet serves the queue in \(path)"
    case .storage(let text): text
    case .envelope(let text): text
    }
  }
}
