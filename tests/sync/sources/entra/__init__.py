"""Does the reading of Entra ID through Microsoft Graph keep its promises?"""
