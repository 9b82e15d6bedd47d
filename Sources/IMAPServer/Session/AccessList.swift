import Accounts
import MailStore

/// Who may do what with a mailbox (RFC 4314 section 2).
///
/// A name is a login, `anyone` for every account of the owner's domain, or one of these behind `-` for rights that are
/// taken away whatever gives them.
struct AccessList {
  static let anyone = "anyone"

  /// As the store keeps them.
  let entries: [String: [UInt8]]

  init(_ entries: [String: [UInt8]]) { self.entries = entries }

  /// The rights of an account to a mailbox of another one.
  func rights(of account: Account, from owner: Account) -> Rights {
    let isNeighbour = account.domainID == owner.domainID
    func granted(_ sign: String) -> Rights {
      var rights: Rights = []
      // Rights belong to an account, not to its name.
      if let own = entry(sign + account.key), own.account == account.id { rights.formUnion(own.rights) }
      if isNeighbour, let all = entry(sign + Self.anyone) { rights.formUnion(all.rights) }
      return rights
    }
    return granted("").subtracting(granted("-"))
  }

  /// What stands under a name.
  func entry(_ name: String) -> GrantedRights? { entries[name].flatMap { GrantedRights($0) } }
}

/// A name in an access list as a client gives it.
struct AccessIdentifier: Equatable {
  /// The rights are taken away.
  var isNegative: Bool
  /// A login's key; `nil` for `anyone`.
  var login: String?

  /// - Returns: `nil` for what can have no rights.
  init?(_ octets: [UInt8], login: (String) -> String?) {
    guard var text = String(validating: octets, as: UTF8.self)?[...] else { return nil }
    isNegative = text.first == "-"
    if isNegative { text = text.dropFirst() }
    guard text != AccessList.anyone else { return }
    guard let key = login(String(text)) else { return nil }
    self.login = key
  }

  /// As it is kept and shown.
  var name: String { (isNegative ? "-" : "") + (login ?? AccessList.anyone) }
}

/// Rights as they are kept: letters, and the number of the account they were given to.
struct GrantedRights {
  var rights: Rights
  /// 0 for `anyone`.
  var account: Int64

  init(rights: Rights, account: Int64) {
    self.rights = rights
    self.account = account
  }

  init?(_ octets: [UInt8]) {
    let parts = octets.split(separator: UInt8(ascii: " "))
    guard parts.count == 2, let rights = Rights(letters: parts[0]),
      let account = Int64(String(decoding: parts[1], as: UTF8.self))
    else { return nil }
    self.init(rights: rights, account: account)
  }

  var octets: [UInt8] { Array("\(rights.ownLetters) \(account)".utf8) }
}
