import Foundation
import GRDB
import Wire

/// Named arguments of a statement; NULLs are there as well.
typealias NamedValues = [String: (any DatabaseValueConvertible)?]

/// The columns of a new password, computed before the transaction that stores them.
struct PasswordColumns: Sendable {
  let hash: String
  let scram: SCRAMKeys?
  let apopSecret: String?

  /// `password = …, scram_… = …` as named arguments.
  static let assignments = """
    password = :password, scram_salt = :salt, scram_iterations = :iterations, scram_stored_key = :stored,
    scram_server_key = :server, apop_secret = :apop
    """

  var arguments: NamedValues {
    [
      "password": hash, "salt": scram.map { Data($0.salt) }, "iterations": scram?.iterations,
      "stored": scram.map { Data($0.storedKey) }, "server": scram.map { Data($0.serverKey) }, "apop": apopSecret,
    ]
  }
}

extension Accounts {
  /// Turns a new password into what is stored of it: hashes a clear one, checks a foreign hash.
  func columns(for password: NewPassword) async throws -> PasswordColumns {
    switch password {
    case .none:
      return PasswordColumns(hash: "", scram: nil, apopSecret: nil)
    case .hash(let text):
      let stored = try StoredPassword(text)
      return PasswordColumns(hash: text, scram: stored.scramKeys, apopSecret: nil)
    case .clear(let octets, let keepForAPOP):
      guard octets.count >= max(1, settings.shortestPassword), octets.count <= settings.longestPassword,
        !octets.contains(where: { $0 < 0x20 || $0 == 0x7f })
      else {
        throw AccountsError(
          .usage,
          "a password has \(max(1, settings.shortestPassword)) to \(settings.longestPassword) octets and no control characters"
        )
      }
      var secret: String?
      if keepForAPOP {
        guard let text = String(validating: octets, as: UTF8.self) else {
          throw AccountsError(.usage, "a password kept for APOP has to be UTF-8")
        }
        secret = text
      }
      let iterations = settings.scramIterations
      let secrets = try await answering { try await self.hasher.secrets(for: octets, iterations: iterations) }
      return PasswordColumns(hash: secrets.hash, scram: secrets.scram, apopSecret: secret)
    }
  }
}
