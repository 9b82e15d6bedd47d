import Basics
import MailSyntax
import Synchronization

/// How an SMTP connection is met before its greeting.
package enum Admission: Sendable {
  /// Serve it.
  case serve
  /// Send nothing and close after the time, when the client has not gone before; then release the seat.
  case silence(SilentSeat, for: Duration)
  /// Close at once without a word.
  case close
  /// Send the reply, then close.
  case reply(SMTPReply)
}

/// A place among the silent connections; free again when released or let go.
package final class SilentSeat: Sendable {
  private let seats: SilentSeats
  private let isTaken = Mutex(true)

  init(_ seats: SilentSeats) { self.seats = seats }

  /// Gives the place free; more than once does no harm.
  package func release() {
    let first = isTaken.withLock { taken in
      defer { taken = false }
      return taken
    }
    if first { seats.free() }
  }

  deinit { release() }
}

/// Bounds the silent connections: a blacklisted crowd must not hold the server's sockets.
final class SilentSeats: Sendable {
  private let taken = Mutex(0)

  /// A seat, unless all are taken.
  func take(limit: Int) -> SilentSeat? {
    let isFree = taken.withLock { taken in
      guard taken < limit else { return false }
      taken += 1
      return true
    }
    return isFree ? SilentSeat(self) : nil
  }

  func free() { taken.withLock { $0 = max(0, $0 - 1) } }

  /// Silent connections now.
  var count: Int { taken.withLock { $0 } }
}
