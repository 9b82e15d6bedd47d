/// Why a connection gives its session no more input, or takes no more output.
package enum ConnectionError: Error, Equatable, Sendable {
  /// The peer is gone, or the connection was closed on our side.
  case closed
  /// The time limit of this read or write has passed.
  case timeout
  /// `Connection.deadline` has passed (the time before login, for instance).
  case deadlinePassed
  /// A line was longer than the limit; the rest of it was swallowed and the connection goes on.
  case lineTooLong
  /// The client sent far more than any limit allows; the session can only end.
  case tooMuchInput
  /// What came is no DEFLATE stream, or its stream has ended; the session can only end.
  case damagedStream
  /// The server shuts down: say good-bye (421, BYE) and return.
  case shuttingDown
  /// The session was ended from outside, for instance as the password changed: say good-bye and return.
  case ended(reason: String)
  /// The TLS handshake failed; the text is for the log.
  case tls(String)
}
