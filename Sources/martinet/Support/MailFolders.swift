import Accounts
import MailSyntax
import MartinetServer

#if canImport(Glibc)
  import Glibc
#endif

/// The mail of accounts that come and go; what fails is a warning, as the account itself is done.
enum MailFolders {
  /// Makes the mailboxes of new accounts.
  ///
  /// - Returns: warnings.
  static func create(_ logins: [String], _ rooms: HostRooms) async -> [String] {
    var warnings: [String] = []
    for login in logins {
      do {
        try await rooms.store.create(rooms.mailAccount(try await rooms.accounts.account(login: login)))
      } catch {
        warnings.append("the mailbox of \(login) is made when it is first used: \(error)")
      }
    }
    return warnings
  }

  /// Removes the mail of accounts that are gone.
  ///
  /// - Returns: warnings.
  static func remove(_ accounts: [Account], keepMail: Bool, _ rooms: HostRooms) async -> [String] {
    var warnings: [String] = []
    for account in accounts {
      do {
        try await rooms.store.remove(rooms.mailAccount(account), keepMail: keepMail)
      } catch {
        warnings.append("the mail in \(account.directory) could not be removed: \(error)")
      }
    }
    return warnings
  }
}

/// Whether somebody sits there.
enum Terminal {
  /// Whether standard input is a terminal.
  static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 }
}
