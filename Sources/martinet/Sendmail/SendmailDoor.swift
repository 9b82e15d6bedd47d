import Configuration
import LocalMail
import MailSyntax
import MartinetServer

#if canImport(Glibc)
  import Glibc
#endif

/// How this user's mail gets in: straight into the queue, or by the drop folder.
struct SendmailDoor {
  /// Names and limits.
  let settings: LocalSettings
  /// What takes the mail.
  let submitter: any LocalSubmitter
  /// The sender when none is named.
  let defaultSender: EmailAddress?
  /// The stores, for those who may open them.
  let rooms: HostRooms?
  private let configuration: Configuration

  /// Opens the door that is open to this user.
  init(_ configuration: Configuration) async throws {
    self.configuration = configuration
    settings = try LocalSettings(configuration)
    let user = LocalUser.current
    let probe =
      access("\(configuration.data)/accounts.db", F_OK) == 0 ? "\(configuration.data)/accounts.db" : configuration.data
    if access(probe, R_OK | W_OK) == 0 {
      let rooms = try await HostRooms.open(configuration)
      let submission = try await LocalSubmission(rooms: rooms, user: user)
      self.rooms = rooms
      submitter = submission
      defaultSender = submission.defaultSender
      return
    }
    guard let drop = configuration.sendmail.drop else {
      throw CommandFailure(
        .refused,
        "user \(user.name) may not write \(configuration.data); the administrator sets sendmail.drop"
      )
    }
    rooms = nil
    submitter = DropSubmitter(folder: DropFolder(path: drop))
    defaultSender = LocalSubmission.defaultSender(user, settings)
  }

  /// An address, with the mail name where it has no domain.
  func address(_ text: String) -> EmailAddress? {
    let bracketed = text.hasPrefix("<") ? text : "<\(text)>"
    let parsed = try? PathArgument.parse(Array(bracketed.utf8), allowUTF8: true, defaultDomain: settings.mailName)
    return parsed.flatMap { path in
      guard path.parameters.isEmpty else { return nil }
      return path.isPostmaster ? try? EmailAddress(localPart: "postmaster", domain: settings.mailName) : path.address
    }
  }

  /// Says that only the administrator may.
  func notAllowed(_ what: String) -> SystemExit {
    Output.errorLine("sendmail: only users who may write \(configuration.data) can \(what)")
    return .noPermission
  }

  /// Writes what was noted, and wakes a server that runs.
  func close() async {
    guard let rooms else { return }
    await rooms.mailLog.flush()
    _ = try? ControlClient(configuration: configuration).request("poke")
  }
}
