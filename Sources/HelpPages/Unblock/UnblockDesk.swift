import Basics

/// What the page `/help/unblock` asks of the rooms behind it: the blacklist, and whose password it is.
package struct UnblockDesk: Sendable {
  /// How a client's network stands.
  package enum Standing: Sendable, Equatable {
    /// Nothing keeps it from sending.
    case free
    /// It is on the list, for this reason, until then; `nil` until an administrator lifts it.
    case listed(reason: String, until: String?)
  }

  /// What came of a request.
  package enum Outcome: Sendable, Equatable {
    /// This network may send again.
    case lifted(String)
    /// None of the customer's networks is on the list.
    case notListed
    /// It was lifted so before; once more from then on.
    case tooSoon(String)
    /// An administrator has to do it.
    case administratorOnly
    /// Wrong login or password.
    case wrongLogin
    /// The account may not be read.
    case denied(String)
    /// Too many tries, or the store does not answer.
    case tryLater
  }

  let standing: @Sendable (IPAddress) async throws -> Standing
  let lift: @Sendable (_ login: String, _ password: [UInt8], _ peer: IPAddress) async -> Outcome

  /// Connects the page.
  ///
  /// - Parameters:
  ///   - standing: says how an address stands.
  ///   - lift: checks a login as every other is checked, slowed down after failures, and lifts.
  package init(
    standing: @escaping @Sendable (IPAddress) async throws -> Standing,
    lift: @escaping @Sendable (_ login: String, _ password: [UInt8], _ peer: IPAddress) async -> Outcome
  ) {
    self.standing = standing
    self.lift = lift
  }
}
