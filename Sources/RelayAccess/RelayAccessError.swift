/// A verb that could not be done, with the reason an administrator reads.
package struct RelayAccessError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of failure; the command line turns it into an exit code.
  package enum Code: String, Sendable {
    /// A rule forbids it.
    case refused
    /// The value makes no sense.
    case usage
    /// There is no such thing.
    case notFound
    /// A limit is reached.
    case overLimit
    /// It may work later.
    case tryLater
  }

  /// The kind of failure.
  package let code: Code
  /// What to tell the administrator.
  package let text: String

  /// Makes the error.
  package init(_ code: Code, _ text: String) {
    self.code = code
    self.text = text
  }

  /// The text alone.
  package var description: String { text }
}
