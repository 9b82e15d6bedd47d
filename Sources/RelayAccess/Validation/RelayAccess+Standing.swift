import Accounts
import Basics
import GRDB
import MailSyntax

extension RelayAccess {
  /// Whether a client's sender is validated: its domain is hosted here and verified.
  ///
  /// - Parameter sender: the reverse path; `nil` for `<>`, which has no domain to doubt.
  package func isValidated(sender: EmailAddress?) async throws -> Bool {
    guard let sender else { return true }
    return try await database.read { try ValidationRows.isVerified($0, sender.domain.ascii) }
  }

  /// Why mail to a domain is validated; `nil` when it is not.
  package func standing(of destination: MailDomain) async throws -> DestinationStanding? {
    let validation = settings.validation
    if validation.wellKnown.contains(destination.ascii) { return .wellKnown }
    return try await database.read { database in
      if try ValidationRows.isVerified(database, destination.ascii) { return .verified }
      return try ValidationRows.hasEarned(database, destination.ascii, validation) ? .earned : nil
    }
  }

  /// Notes what became of mail to a destination, from which it may earn its standing.
  ///
  /// - Parameters:
  ///   - accepted: recipients that its servers took.
  ///   - failed: recipients refused for good.
  package func noteDeliveries(to destination: MailDomain, accepted: Int, failed: Int) {
    guard accepted > 0 || failed > 0, destination.literal == nil else { return }
    outcomes.add(
      destination.ascii, accepted: accepted, failed: failed, now: time.now,
      capacity: settings.validation.pendingOutcomes)
  }

  /// Writes the noted outcomes down.
  func flushOutcomes() async {
    let waiting = outcomes.take()
    guard !waiting.isEmpty else { return }
    let most = settings.validation.recordedOutcomes
    do {
      try await database.write { database in
        for outcome in waiting { try ValidationRows.add(database, outcome, halvedAbove: most) }
      }
    } catch {
      outcomes.restore(waiting, capacity: settings.validation.pendingOutcomes)
      log.warning("outcomes of deliveries could not be written", ["error": "\(error)"])
    }
  }
}
