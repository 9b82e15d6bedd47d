import Foundation
import GRDB

/// Random octets made once per host and kept in the database: what is made up for unknown logins has to be the same
/// after a restart, or it would be told from what is real.
struct HostSecret: Sendable {
  private let octets: [UInt8]

  /// Reads the secret, or makes it on the first start.
  init(database: HostDatabase) throws {
    let sql = "SELECT value FROM host_secret WHERE name = 'login'"
    if let known = try database.pool.read({ try Data.fetchOne($0, sql: sql) }) {
      octets = Array(known)
      return
    }
    octets = try database.pool.write { database in
      if let known = try Data.fetchOne(database, sql: sql) { return Array(known) }
      let fresh = randomBytes(32)
      try database.execute(
        sql: "INSERT INTO host_secret(name, value) VALUES ('login', ?)", arguments: [Data(fresh)])
      return fresh
    }
  }

  /// 32 octets that belong to a purpose and a login.
  func derived(_ purpose: String, _ login: String) -> [UInt8] {
    hmacSHA256(key: octets, Array(purpose.utf8) + [0] + Array(login.utf8))
  }
}
