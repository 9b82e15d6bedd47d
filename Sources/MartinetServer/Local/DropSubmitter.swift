import Basics
import LocalMail
import MailSyntax

/// Leaves mail in the drop folder, for users who may not write the queue; the server takes it from there.
package struct DropSubmitter: LocalSubmitter {
  private let folder: DropFolder
  private let time: any TimeSource

  /// Makes a submitter over a folder.
  package init(folder: DropFolder, time: any TimeSource = SystemTime()) {
    self.folder = folder
    self.time = time
  }

  /// Every sender is taken here; whether the user may bear it is the server's to say, by a bounce if need be.
  package func sender(_ address: EmailAddress?) async -> SMTPReply { SMTPReply(250, "2.1.0", "Ok") }

  /// Every recipient is taken here.
  package func recipient(_ address: EmailAddress) async -> SMTPReply { SMTPReply(250, "2.1.5", "Ok") }

  /// Writes the file.
  package func submit(_ message: LocalMessage) async -> SMTPReply {
    do {
      let name = try folder.put(message, now: time.now)
      return SMTPReply(250, "2.0.0", "Ok: left for the server as \(name)")
    } catch {
      return SMTPReply(451, "4.3.0", "\(error); the administrator sets sendmail.drop")
    }
  }
}
